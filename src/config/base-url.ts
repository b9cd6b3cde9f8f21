const SHAPE = /^(https?):\/\/([^/?#@\\\s]+)((?:\/[^/?#\\\s]*)*)$/;
const PLAIN_SEGMENT = /^[A-Za-z0-9._~-]+$/;

/** An http(s) origin with an optional path below which everything lies: `publicUrl`, a route's `upstream`. */
export interface BaseUrl {
  /** As browsers serialise it: lower case, no default port, no slash at the end. */
  readonly origin: string;
  /** `''`, or `/a/b`: starts with a slash, never ends with one. */
  readonly path: string;
  /** `origin + path`. */
  readonly href: string;
}

/** Reads a base URL; `undefined` when it is anything else: another scheme, user info, a query, a fragment, an odd path. */
export function parseBaseUrl(text: string): BaseUrl | undefined {
  const match = SHAPE.exec(text);
  if (match === null || !URL.canParse(text)) return undefined;
  const path = (match[3] ?? '').replace(/\/$/, '');
  if (path !== '' && !isPlainPath(path)) return undefined;
  const { origin } = new URL(text);
  return { origin, path, href: origin + path };
}

/** `/a/b`: one or more segments of unreserved characters (RFC 3986 §2.3), no dot segment, no slash at the end. */
export function isPlainPath(path: string): boolean {
  const [first, ...segments] = path.split('/');
  return first === '' && segments.length > 0 && segments.every((it) => PLAIN_SEGMENT.test(it) && it !== '.' && it !== '..');
}

/** A host that only this machine can reach: `localhost`, `*.localhost`, 127.0.0.0/8, `[::1]`. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
