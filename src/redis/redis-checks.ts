import type { RedisCheck, RedisSend } from './redis-node.ts';
import type { RedisFault } from './redis-fault.ts';
import { isSameAddress } from './redis-inquiry.ts';
import type { RedisAddress } from './redis-settings.ts';

const READONLY: RedisFault = { reason: 'readonly', sent: false, leave: true };
const DEMOTED: RedisFault = { reason: 'demoted', sent: false, leave: true };
const CLUSTER_DOWN: RedisFault = { reason: 'clusterdown', sent: false, leave: true };

/**
 * A server that we can write to. `PING` is refused while a server loads, runs a script that does not end or cannot save; `ROLE`
 * tells a replica, which answers everything else: behind a DNS name it may be what is left of a failover.
 */
export const checkMaster: RedisCheck = (send) =>
  answersTo(send, ['ROLE'], (value) => (Array.isArray(value) && value[0] !== 'master' ? READONLY : undefined));

/** The same, and still the one that the sentinels name: a master that was cut off from them does not know that it is none any more. */
export const checkNamedMaster =
  (locate: () => Promise<RedisAddress>): RedisCheck =>
  async (send, address) => {
    const fault = await checkMaster(send, address);
    if (fault !== undefined) return fault;
    // While no sentinel answers, the master that we have is the best there is.
    const named = await locate().catch(() => address);
    return isSameAddress(named, address) ? undefined : DEMOTED;
  };

/** A node of a cluster that serves. */
export const checkClusterNode: RedisCheck = (send) =>
  answersTo(send, ['CLUSTER', 'INFO'], (value) =>
    typeof value === 'string' && value.includes('cluster_state:fail') ? CLUSTER_DOWN : undefined,
  );

/** Where a question is not allowed or not known, the refusal itself shows that the server is alive. */
async function answersTo(
  send: RedisSend,
  question: readonly string[],
  judge: (value: unknown) => RedisFault | undefined,
): Promise<RedisFault | undefined> {
  const [pong, ran, answer] = await Promise.all([send(['PING']), send(NO_SCRIPT_AT_ALL), send(question)]);
  if (pong.kind === 'fault' && !ALIVE.has(pong.fault.reason)) return pong.fault;
  // Without scripts a server is of no use, however well it is.
  if (ran.kind === 'fault' && ran.fault.reason === 'noperm') return { ...ran.fault, sent: false, leave: true };
  return answer.kind === 'value' ? judge(answer.value) : undefined;
}

const NO_SCRIPT_AT_ALL: readonly string[] = ['EVAL', 'return 1', '0'];
const ALIVE: ReadonlySet<string> = new Set(['noperm', 'error_reply']);
