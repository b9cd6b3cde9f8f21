import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { OwnResponse } from '../kernel/failure-response.ts';

/** Writes an answer of ours, unless one has begun already. `setCookies` are added to its headers. */
export function sendOwn(response: ServerResponse, own: OwnResponse, setCookies: readonly string[] = []): void {
  if (response.headersSent || response.destroyed) return;
  const headers = flat(own);
  for (const line of setCookies) headers.push('set-cookie', line);
  headers.push('content-length', String(Buffer.byteLength(own.body)));
  // A client that still waits for our 100 Continue may send its body or not: only a new connection is unambiguous.
  if (response.req.headers.expect !== undefined) headers.push('connection', 'close');
  response.writeHead(own.status, headers);
  response.end(own.body);
}

/**
 * Meets an expectation once it is decided that the body is wanted; one of HTTP/1.0 is ignored (RFC 9110 §10.1.1). From then on the
 * request is an ordinary one.
 */
export function admitBody(response: ServerResponse): void {
  const { headers, httpVersionMinor } = response.req;
  if (headers.expect === undefined) return;
  if (headers.expect.toLowerCase() === '100-continue' && httpVersionMinor >= 1) response.writeContinue();
  delete headers.expect;
}

/** The same as bytes for a bare socket: parser errors and refused upgrades. The connection is closed after it. */
export function rawOwn(own: OwnResponse, setCookies: readonly string[] = []): string {
  const headers = flat(own);
  for (const line of setCookies) headers.push('set-cookie', line);
  headers.push('content-length', String(Buffer.byteLength(own.body)), 'connection', 'close');
  let head = `HTTP/1.1 ${String(own.status)} ${STATUS_CODES[own.status] ?? ''}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i] ?? ''}: ${headers[i + 1] ?? ''}\r\n`;
  return `${head}\r\n${own.body}`;
}

function flat(own: OwnResponse): string[] {
  const headers: string[] = [];
  for (const [name, value] of Object.entries(own.headers)) {
    for (const one of typeof value === 'string' ? [value] : value) headers.push(name, one);
  }
  return headers;
}
