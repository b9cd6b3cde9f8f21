import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { INTERIM_LIMIT, RESPONSE_HEAD_BYTES, type ForwardPlan } from './forwarder.ts';
import type { UpstreamHeaders } from './response-head.ts';
import { handshakeFault, ownFault, type HandshakeFault } from './websocket-fault.ts';
import { isWebSocketSwitch, soleHeader } from './websocket-switch.ts';

/** The upstream's answer to a handshake: a WebSocket when it has `switched`, and `head` is what came behind it. */
export interface HandshakeAnswer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly switched?: { readonly socket: Socket; readonly head: Buffer };
}

/** Who waits for an answer. Neither throws, and both may still be called after the first of them was. */
export interface HandshakeListener {
  answered(answer: HandshakeAnswer): void;
  failed(fault: HandshakeFault): void;
}

/** Sends a handshake over a connection of its own and judges what comes back as HTTP and as RFC 6455. Throws when it cannot be sent. */
export function sendHandshake(socket: Socket, plan: ForwardPlan, authority: string, listener: HandshakeListener): void {
  const host = plan.headers.some((it, at) => at % 2 === 0 && it.toLowerCase() === 'host') ? [] : ['host', authority];
  const sent = request({
    createConnection: () => socket,
    method: 'GET',
    path: plan.path,
    headers: [...host, ...plan.headers, 'connection', 'Upgrade', 'upgrade', 'websocket'],
    maxHeaderSize: RESPONSE_HEAD_BYTES,
    insecureHTTPParser: false,
  });
  const judged = (message: IncomingMessage, switched?: HandshakeAnswer['switched']): void => {
    message.on('error', ignoreError);
    try {
      judge(message, switched, plan, listener);
    } catch (error) {
      listener.failed(ownFault(error));
    }
  };
  let interims = 0;
  sent.on('error', (error) => listener.failed(handshakeFault(error)));
  // Interim answers are not passed on. A flood of them is no answer, and nobody has asked for a 100.
  sent.on('information', ({ statusCode }) => {
    if (statusCode === 100 || ++interims > INTERIM_LIMIT) listener.failed(protocolFault('informational'));
  });
  sent.on('upgrade', (message, upgraded: Socket, head) => judged(message, { socket: upgraded, head }));
  sent.on('response', (message) => judged(message));
  sent.end();
}

function judge(message: IncomingMessage, switched: HandshakeAnswer['switched'], plan: ForwardPlan, listener: HandshakeListener): void {
  const { statusCode: status = 0 } = message;
  const headers = upstreamHeaders(message.headersDistinct);
  // Node's parser takes any three digits.
  if (status < 100) return listener.failed(protocolFault('status'));
  // A 101 that does not name its protocol comes as an ordinary response.
  if (status !== 101 && switched === undefined) return listener.answered({ message, status, headers });
  const isSwitch = status === 101 && isWebSocketSwitch(headers, soleHeader(plan.headers, 'sec-websocket-key'));
  if (isSwitch && switched !== undefined) listener.answered({ message, status, headers, switched });
  else listener.failed(protocolFault('no_websocket'));
}

const protocolFault = (cause: string): HandshakeFault => ({ fault: 'protocol', cause });

/** A name that came once has a string, one that came more often a list, as from undici. */
function upstreamHeaders(distinct: NodeJS.Dict<string[]>): UpstreamHeaders {
  const headers: Record<string, string | string[] | undefined> = { ...distinct };
  for (const [name, values] of Object.entries(distinct)) if (values?.length === 1) headers[name] = values[0];
  return headers;
}

const ignoreError = (): void => undefined;
