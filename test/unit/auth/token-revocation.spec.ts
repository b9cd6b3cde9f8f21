import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RevokeOutcome } from '../../../src/oidc/identity-provider.ts';
import { TokenRevocation } from '../../../src/auth/token-revocation.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

describe('TokenRevocation', () => {
  let clock: ManualClock;
  let logger: RecordingLogger;
  let asked: string[];
  let answer: () => Promise<RevokeOutcome>;
  let revocation: TokenRevocation;

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    asked = [];
    answer = async () => 'revoked';
    const provider = {
      revoke: (token: string) => {
        asked.push(token);
        return answer();
      },
    };
    revocation = new TokenRevocation({ provider, timer: clock, logger, wait: 5000 });
  });

  it('asks once and leaves no timer behind', async () => {
    await revocation.now('rt1');
    expect(asked).toEqual(['rt1']);
    expect(clock.pending).toBe(0);
    expect(logger.lines).toEqual([]);
  });

  it('never rejects: an error is logged without the token', async () => {
    answer = () => Promise.reject(new TypeError('rt1'));
    await revocation.now('rt1');
    expect(logger.lines).toEqual([{ level: 'warn', event: 'token_revocation_failed', fields: { cause: 'TypeError' } }]);
    expect(clock.pending).toBe(0);
  });

  it('leaves it to the provider client to say why a revocation was refused', async () => {
    answer = () => Promise.resolve('failed');
    await revocation.now('rt1');
    expect([logger.lines, clock.pending]).toEqual([[], 0]);
  });

  it('stops waiting for a provider that does not answer', async () => {
    answer = () => new Promise(() => undefined);
    const done = revocation.now('rt1');
    await clock.advance(5000);
    await done;
    // Not failed yet: if it does, the provider client says so, once.
    expect(logger.lines).toEqual([{ level: 'debug', event: 'token_revocation_slow', fields: {} }]);
  });

  it('spends a deferred token once, whoever is first', async () => {
    revocation.later('a', 'rt1');
    await revocation.spend('a');
    await revocation.spend('a');
    await clock.advance(60_000);
    await revocation.flush();
    expect(asked).toEqual(['rt1']);
    expect(clock.pending).toBe(0);
  });

  it('does nothing for an id it does not know', async () => {
    await revocation.spend('b');
    expect(asked).toEqual([]);
  });

  it('keeps the newest token of an id', async () => {
    revocation.later('a', 'rt1');
    revocation.later('a', 'rt2');
    await clock.advance(60_000);
    expect(asked).toEqual(['rt2']);
  });

  it('flushes all that waits', async () => {
    revocation.later('a', 'rt1');
    revocation.later('b', 'rt2');
    await revocation.flush();
    expect(asked).toEqual(['rt1', 'rt2']);
  });

  it('flushes a few at a time, so that a provider is not flooded at shutdown', async () => {
    let [open, most] = [0, 0];
    answer = async () => {
      open++;
      most = Math.max(most, open);
      await Promise.resolve();
      open--;
      return 'revoked';
    };
    for (let i = 0; i < 100; i++) revocation.later(String(i), `rt${String(i)}`);
    await revocation.flush();
    expect([asked.length, most, clock.pending]).toEqual([100, 8, 0]);
  });

  it('takes a provider without revocation endpoint for nothing to speak of', async () => {
    answer = async () => 'no-endpoint';
    await revocation.now('rt1');
    expect([logger.lines, clock.pending]).toEqual([[], 0]);
  });

  it('is bounded: the oldest are spent early', () => {
    for (let i = 0; i <= 10_000; i++) revocation.later(String(i), `rt${String(i)}`);
    expect(asked).toEqual(['rt0']);
  });
});
