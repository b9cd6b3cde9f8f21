import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { HttpProxyForwarder } from '../support/http-proxy-forwarder.ts';
import type { ForwarderCase } from './forwarder/case.ts';
import { ProcessStage } from './forwarder/process-stage.ts';
import { ForwarderStage } from './forwarder/stage.ts';
import { playOn, PROXY_CASES } from './forwarder.contract.ts';
import { type Difference, HTTP_PROXY_DIFFERENCES, HTTP_PROXY_VERSION } from './http-proxy-differences.ts';

/** Milliseconds without an outcome that count as waiting. A case that ends does so within a few. */
const PATIENCE = 1_000;
const ENDED_EARLY = 'the connection ended after: ';

const differences = new Map(HTTP_PROXY_DIFFERENCES.map((it) => [it.title, it]));
const httpProxyStage = (): ForwarderStage => new ForwarderStage((origin, limits) => new HttpProxyForwarder({ origin, ...limits }));

describe(`http-proxy ${HTTP_PROXY_VERSION} as a reference`, () => {
  it('is the release that the table of differences names', () => {
    const { version } = JSON.parse(readFileSync('node_modules/http-proxy/package.json', 'utf8')) as { version: string };
    expect(version).toBe(HTTP_PROXY_VERSION);
  });

  it('has each difference listed once, and none without a case', () => {
    const titles = PROXY_CASES.flatMap(({ cases }) => cases.map(({ title }) => title));
    expect(new Set(titles).size).toBe(titles.length);
    expect(differences.size).toBe(HTTP_PROXY_DIFFERENCES.length);
    expect([...differences.keys()].filter((title) => !titles.includes(title))).toEqual([]);
  });

  for (const { subject, cases } of PROXY_CASES) {
    describe(subject, () => {
      for (const one of cases) {
        const difference = differences.get(one.title);
        if (difference === undefined) it(one.title, () => playOn(httpProxyStage(), one));
        else it(`${difference.how} as listed: ${one.title}`, () => expectDifference(one, difference));
      }
    });
  }
});

async function expectDifference(one: ForwarderCase, { how }: Difference): Promise<void> {
  if (how === 'crashes') {
    const stage = new ProcessStage();
    expect([await outcomeOn(stage, one, 10_000), await stage.exit()]).toEqual(['fails', 1]);
  } else {
    expect(await outcomeOn(httpProxyStage(), one)).toBe(how);
  }
}

type Outcome = 'passes' | 'fails' | 'waits';

/** How a case goes. Throws what is no outcome of a case. */
async function outcomeOn(stage: ForwarderStage, { play }: ForwarderCase, patience = PATIENCE): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const waiting = new Promise<Outcome>((resolve) => (timer = setTimeout(() => resolve('waits'), patience)));
  try {
    return await Promise.race([waiting, play(stage).then(() => 'passes' as const, failed)]);
  } finally {
    clearTimeout(timer);
    await stage.close();
  }
}

function failed(error: unknown): Outcome {
  if (error instanceof Error && ('matcherResult' in error || error.message.startsWith(ENDED_EARLY))) return 'fails';
  throw error;
}
