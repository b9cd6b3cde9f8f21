import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The bearer token, told without telling it. */
export interface ReceivedBearer {
  /** First 8 hexadecimal characters of its SHA-256: equal for equal tokens. */
  readonly fingerprint: string;
  /** Seconds until a JWT's `exp`; `null` for an opaque token. */
  readonly expiresIn: number | null;
}

/** What arrived at the API. Header values are left out of answers, tokens and cookies above all. */
export interface ReceivedRequest {
  readonly method: string;
  /** Request target exactly as received. */
  readonly url: string;
  readonly headerNames: readonly string[];
  /** `false`: no Authorization header with a bearer token. */
  readonly bearer: ReceivedBearer | false;
  /** Whether any cookie came along. */
  readonly cookie: boolean;
  /** Values of the harmless headers that say who asks, and how. */
  readonly headers: Readonly<Record<string, string>>;
}

const HARMLESS =
  /^(host|accept|accept-encoding|content-type|content-length|transfer-encoding|origin|referer|user-agent|via|forwarded|x-.*|sec-fetch-.*)$/;

export function describeRequest(req: IncomingMessage): ReceivedRequest {
  const headers = Object.entries(req.headers).filter(([name]) => HARMLESS.test(name));
  return {
    method: req.method ?? '',
    url: req.url ?? '',
    headerNames: req.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
    bearer: describeBearer(req.headers.authorization),
    cookie: req.headers.cookie !== undefined,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
  };
}

function describeBearer(authorization: string | undefined): ReceivedBearer | false {
  const token = /^bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return false;
  return { fingerprint: fingerprintOf(token), expiresIn: lifetimeOf(token) };
}

/** Tells tokens apart without telling them. */
export const fingerprintOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 8);

function lifetimeOf(token: string): number | null {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    if (typeof claims !== 'object' || claims === null || !('exp' in claims) || typeof claims.exp !== 'number') return null;
    return Math.round(claims.exp - Date.now() / 1000);
  } catch {
    return null; // an opaque token may contain a dot
  }
}
