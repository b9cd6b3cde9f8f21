/** Headers about one connection only, never forwarded in either direction (RFC 9110 §7.6.1), with the upgrade-only ones. */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

// Naming one of these in Connection would take a header of ours, or the framing, away from the next hop (CVE-2026-33805, CVE-2025-48865).
const NEVER_NOMINATED =
  /^(?:host|cookie|set-cookie|authorization|content-.*|forwarded|x-forwarded-.*|x-request-id|origin|referer|sec-.*|range|if-.*|location|cache-control|vary)$/;

const USUAL = /^(?:keep-alive|close)$/i;

/** The lower-case names that a Connection header takes away besides the usual ones; `undefined` in the common case. */
export function nominated(connection: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || (typeof connection === 'string' && USUAL.test(connection))) return undefined;
  const tokens = (typeof connection === 'string' ? connection : connection.join(','))
    .toLowerCase()
    .split(',')
    .map((it) => it.trim());
  return new Set(tokens.filter((it) => !NEVER_NOMINATED.test(it)));
}
