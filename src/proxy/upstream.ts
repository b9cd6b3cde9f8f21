import type { Logger } from '../kernel/logger.ts';
import type { PassedBytes } from '../kernel/passed-bytes.ts';
import { dialer } from './dial.ts';
import type { Forwarder } from './forwarder.ts';
import { UndiciForwarder } from './undici-forwarder.ts';
import { upstreamTls } from './upstream-tls.ts';
import type { PoolOptions } from './upstreams.ts';
import { WebSocketForwarder } from './websocket-forwarder.ts';

/** Both ways to one upstream. */
export interface Upstream {
  readonly requests: Forwarder;
  readonly webSockets: Forwarder;
  /** Lets requests under way end, ends WebSockets, and closes every connection. */
  close(): Promise<void>;
}

export interface UpstreamSurroundings {
  /** Milliseconds between two pings of a WebSocket. */
  readonly ping: number;
  readonly logger: Logger;
  /** Counts the bytes of bodies. */
  readonly passed?: Pick<PassedBytes, 'add'>;
}

/** Throws when certificate files cannot be used. */
export function openUpstream({ tls, ...options }: PoolOptions, { ping, logger, passed }: UpstreamSurroundings): Upstream {
  const { origin } = options;
  const way = { ...options, tls: tls && upstreamTls(tls, { origin, logger }) };
  const requests = new UndiciForwarder({ ...way, passed });
  const webSockets = new WebSocketForwarder({ dial: dialer(way), authority: new URL(origin).host, ping, logger });
  return {
    requests,
    webSockets,
    async close() {
      await Promise.all([requests.close(), webSockets.close()]);
    },
  };
}
