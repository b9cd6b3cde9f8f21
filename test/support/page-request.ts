import type { House } from './house.ts';

/** The bytes of a request that a script of the application's page makes, with exactly this Cookie header. */
export function pageRequest(house: House, cookie: string, target: string, ...lines: readonly string[]): string {
  const [method = '', path = ''] = target.split(' ');
  const own = [`Host: localhost:${String(house.port)}`, `Cookie: ${cookie}`, 'Sec-Fetch-Site: same-origin', 'Accept: */*'];
  return [`${method} ${path} HTTP/1.1`, ...own, ...lines, '\r\n'].join('\r\n');
}
