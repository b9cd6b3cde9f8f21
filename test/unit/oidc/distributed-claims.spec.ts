import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Claims } from '../../../src/kernel/claims.ts';
import { DistributedClaims } from '../../../src/oidc/distributed-claims.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const HOUR = 3_600_000;

let clock: ManualClock;
let logger: RecordingLogger;

beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  logger = new RecordingLogger();
});

const said = (claims: Claims, wanted: readonly string[] = ['sub', 'groups']): readonly unknown[] => {
  new DistributedClaims(clock, logger, wanted).check(claims);
  return logger.of('claims_elsewhere').map(({ level, fields }) => [level, fields['claims']]);
};

describe('a wanted claim that the provider keeps elsewhere', () => {
  it.each<[string, Claims]>([
    ['_claim_names', { sub: 'a', _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } }],
    ['hasgroups', { sub: 'a', hasgroups: true }],
  ])('is told (%s)', (_title, claims) => {
    expect(said(claims)).toEqual([['warn', ['groups']]]);
  });

  it.each<[string, Claims, readonly string[]]>([
    ['is there all the same', { groups: ['staff'], _claim_names: { groups: 'src1' } }, ['groups']],
    ['is wanted by nobody', { _claim_names: { groups: 'src1' }, hasgroups: true }, ['sub', 'name']],
    ['is simply missing', { sub: 'a' }, ['groups']],
    ['is named by something odd', { _claim_names: ['groups'], hasgroups: 'yes' }, ['groups']],
    ['has a name that every object knows', { _claim_names: {} }, ['constructor']],
  ])('is nothing to mention when it %s', (_title, claims, wanted) => {
    expect(said(claims, wanted)).toEqual([]);
  });

  it('is told once an hour, however many log in', () => {
    const distributed = new DistributedClaims(clock, logger, ['groups']);
    for (let i = 0; i < 5; i++) distributed.check({ hasgroups: true });
    expect(logger.of('claims_elsewhere')).toHaveLength(1);
    clock.set(clock.now() + HOUR);
    distributed.check({ hasgroups: true });
    expect(logger.of('claims_elsewhere')).toHaveLength(2);
  });
});
