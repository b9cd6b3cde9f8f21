import type { IncomingHttpHeaders } from 'node:http';

/** A top-level or frame navigation, or what old browsers without Fetch Metadata send for one. Decides HTML against JSON. */
export function isNavigation(headers: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  if (headers['sec-fetch-site'] !== undefined || headers['sec-fetch-dest'] !== undefined) return false;
  return headers.accept?.includes('text/html') ?? false;
}
