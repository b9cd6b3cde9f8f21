import { dialer } from './dial.ts';
import type { Forwarder } from './forwarder.ts';
import { UndiciForwarder } from './undici-forwarder.ts';
import type { PoolOptions } from './upstreams.ts';
import { WebSocketForwarder } from './websocket-forwarder.ts';

/** Both ways to one upstream. */
export interface Upstream {
  readonly requests: Forwarder;
  readonly webSockets: Forwarder;
  /** Lets requests under way end, ends WebSockets, and closes every connection. */
  close(): Promise<void>;
}

/** `ping`: milliseconds between two pings of a WebSocket. */
export function openUpstream(options: PoolOptions, ping: number): Upstream {
  const requests = new UndiciForwarder(options);
  const webSockets = new WebSocketForwarder({ dial: dialer(options), authority: new URL(options.origin).host, ping });
  return {
    requests,
    webSockets,
    async close() {
      await Promise.all([requests.close(), webSockets.close()]);
    },
  };
}
