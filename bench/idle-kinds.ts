import { handshakeBytes } from './browser-request.ts';
import type { Contender } from './contenders.ts';
import type { IdleOptions } from './idle-clients.ts';

export const KINDS = ['keep-alive connection', 'event stream', 'WebSocket'] as const;
export type Kind = (typeof KINDS)[number];

/** How connections of a kind are opened at a contender, and what is there when one is open. */
export function idleOptions(kind: Kind, { running, origin, cookie, request }: IdleContender, count: number): IdleOptions {
  const { port } = running;
  switch (kind) {
    case 'keep-alive connection':
      return { port, count, request: request({ path: '/api/orders' }), status: 200, opened: /\r\n\r\n[^]*\}$/ };
    case 'event stream':
      return { port, count, request: request({ path: '/api/events' }), status: 200, opened: /\r\n\r\n[^]*data: hello\n\n/ };
    case 'WebSocket': {
      const bytes = handshakeBytes(new URL(origin).host, origin, '/api/socket', [`cookie: ${cookie}`]);
      return { port, count, request: bytes, status: 101, opened: /\r\n\r\n/ };
    }
  }
}

/** A fresh process, and who is signed in there. */
export interface IdleContender extends Contender {
  readonly origin: string;
  readonly cookie: string;
  stop(): Promise<void>;
}
