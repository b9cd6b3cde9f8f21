import type { RedisCheck } from './redis-node.ts';
import type { RedisReply } from './redis-connection.ts';
import type { RedisFault } from './redis-fault.ts';
import { isSameAddress } from './redis-inquiry.ts';
import type { RedisAddress } from './redis-settings.ts';

const READONLY: RedisFault = { reason: 'readonly', sent: false, leave: true };
const DEMOTED: RedisFault = { reason: 'demoted', sent: false, leave: true };
const CLUSTER_DOWN: RedisFault = { reason: 'clusterdown', sent: false, leave: true };

/**
 * A server that we can write to. A replica answers everything else: behind a DNS name it may be what is left of a failover. Where
 * `ROLE` is not allowed or not known (both are answers), the answer itself shows that the server is alive.
 */
export const checkMaster: RedisCheck = async (send) => {
  const value = valueOf(await send(['ROLE']));
  return Array.isArray(value) && value[0] !== 'master' ? READONLY : undefined;
};

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
export const checkClusterNode: RedisCheck = async (send) => {
  const value = valueOf(await send(['CLUSTER', 'INFO']));
  return typeof value === 'string' && value.includes('cluster_state:fail') ? CLUSTER_DOWN : undefined;
};

const valueOf = (reply: RedisReply): unknown => (reply.kind === 'value' ? reply.value : undefined);
