import { describe, it } from '@jest/globals';
import type { ForwarderCase, ForwarderCases } from './forwarder/case.ts';
import { BYTES } from './forwarder/bodies.ts';
import { DEPARTURES } from './forwarder/departures.ts';
import { FRAMING } from './forwarder/framing.ts';
import { HEADS } from './forwarder/heads.ts';
import { LIMITS } from './forwarder/limits.ts';
import { type CreateForwarder, ForwarderStage } from './forwarder/stage.ts';
import { STREAMING } from './forwarder/streaming.ts';
import { UPSTREAM_FAULTS } from './forwarder/upstream-faults.ts';
import { WHOLE_EXCHANGE } from './forwarder/whole-exchange.ts';

/** What any HTTP proxy can be asked for. */
export const PROXY_CASES: readonly ForwarderCases[] = [WHOLE_EXCHANGE, HEADS, BYTES, FRAMING, STREAMING, DEPARTURES, UPSTREAM_FAULTS];

/** What any forwarder must do, whoever carries the bytes. */
export function forwarderContract(name: string, create: CreateForwarder): void {
  describe(name, () => {
    for (const { subject, cases } of [...PROXY_CASES, LIMITS]) {
      describe(subject, () => {
        for (const one of cases) it(one.title, () => playOn(new ForwarderStage(create), one));
      });
    }
  });
}

/** Plays a case and closes its stage, whatever comes of it. */
export async function playOn(stage: ForwarderStage, { play }: ForwarderCase): Promise<void> {
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
}
