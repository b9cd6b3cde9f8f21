import type { IncomingMessage } from 'node:http';
import { hasBody } from './forwarder.ts';
import type { ProxyExchange } from './proxy-exchange.ts';

/** Goes on when there is a value; what is thrown then ends the exchange. */
export function later<T>(exchange: ProxyExchange, value: Promise<T>, next: (value: T) => void): void {
  value.then(next).catch((error: unknown) => exchange.crash(error));
}

const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** May be sent twice without harm, and can be: there is no body that would have been read. */
export function isRepeatable(request: IncomingMessage): boolean {
  return REPEATABLE.has(request.method ?? '') && !hasBody(request);
}
