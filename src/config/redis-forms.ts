import { isIPv6 } from 'node:net';

const URL_SHAPE = /^rediss?:\/\/[^/?#\\\s]+(?:\/\d{0,4})?$/;

/** `redis:` or `rediss:`, an optional user without a password, a host, an optional port and database number. */
export function isRedisUrl(text: string): boolean {
  if (!URL_SHAPE.test(text) || !URL.canParse(text)) return false;
  const { hostname, password, username } = new URL(text);
  return hostname !== '' && password === '' && !text.includes(':@') && isDecodable(username);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // a stray percent sign
  }
}

/** `host:port` or `[IPv6]:port`. */
export function isHostPort(text: string): boolean {
  const [, six, host, port] = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const isHost = host !== undefined || (six !== undefined && isIPv6(six));
  return isHost && Number(port) >= 1 && Number(port) <= 65_535;
}
