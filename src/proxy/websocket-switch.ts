import { createHash } from 'node:crypto';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { UpstreamHeaders } from './response-head.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 §1.3
// A 101 has no body (RFC 9110 §8.6, RFC 9112 §6.1), and these two are ours.
const NOT_PASSED: ReadonlySet<string> = new Set(['connection', 'upgrade', 'content-length', 'transfer-encoding']);

/** What proves that a server has understood this key (RFC 6455 §4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1')
    .update(key + GUID, 'latin1')
    .digest('base64');

/** The value of the one header of this name in a flat list; `undefined` when there is none or more than one. */
export function soleHeader(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== name) continue;
    if (found !== undefined) return undefined;
    found = headers[i + 1];
  }
  return found;
}

/** Whether a 101 really begins a WebSocket (RFC 6455 §4.1): otherwise what follows is bytes of some other protocol. */
export function isWebSocketSwitch(headers: UpstreamHeaders, key: string | undefined): boolean {
  return (
    key !== undefined &&
    String(headers['upgrade']).toLowerCase() === 'websocket' &&
    String(headers['connection']).toLowerCase().split(',').some(isUpgrade) &&
    headers['sec-websocket-accept'] === acceptOf(key)
  );
}

const isUpgrade = (token: string): boolean => token.trim() === 'upgrade';

/** Throws when a header of a flat list cannot be written, such as one that could be read as more than one line. */
export function checkHeaders(headers: readonly string[]): void {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    validateHeaderName(name);
    validateHeaderValue(name, headers[i + 1] ?? '');
  }
}

/** The head of a 101 as bytes. Throws when a header cannot be written. */
export function switchHead(headers: readonly string[]): Buffer {
  checkHeaders(headers);
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!NOT_PASSED.has(name.toLowerCase())) head += `${name}: ${headers[i + 1] ?? ''}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}
