import type { Socket } from 'node:net';

/**
 * Makes one new connection to one upstream, verified when it is TLS. Resolves with a connected socket that the callee owns.
 * Rejects within the connect timeout, with an error whose `code` tells why (`ETIMEDOUT` for the timeout itself).
 */
export type Dial = () => Promise<Socket>;
