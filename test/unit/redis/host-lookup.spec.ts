import { describe, expect, it } from '@jest/globals';
import { hostLookup } from '../../../src/redis/host-lookup.ts';

type Outcome = readonly unknown[];

describe('the lookup of a host', () => {
  it('asks for a name once at a time, whoever wants it, and anew after that', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const lookup = hostLookup((host) => {
      asked.push(host);
      return new Promise((resolve) => answers.push(() => resolve([{ address: '10.0.0.1', family: 4 }])));
    });
    const find = (host: string, all: boolean): Promise<Outcome> =>
      new Promise((resolve) => lookup(host, { all }, (...outcome) => resolve(outcome)));
    const both = Promise.all([find('redis', true), find('redis', false)]);
    expect(asked).toEqual(['redis']);
    answers.forEach((it) => it());
    expect(await both).toEqual([
      [null, [{ address: '10.0.0.1', family: 4 }]],
      [null, '10.0.0.1', 4],
    ]);
    void find('redis', true);
    expect(asked).toEqual(['redis', 'redis']);
  });

  it('gives back why a name has no address', async () => {
    const error = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    const lookup = hostLookup(() => Promise.reject(error));
    const outcome = await new Promise<Outcome>((resolve) => lookup('nowhere', { all: true }, (...it) => resolve(it)));
    expect(outcome[0]).toBe(error);
  });
});
