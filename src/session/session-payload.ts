import type { Claims } from '../kernel/claims.ts';
import type { Session } from './session.ts';

/** Raised when an older reader would misread what is written now. Sessions of other versions are ignored, never cleared. */
const VERSION = 1;

/** What the seal of a session holds. Short keys, because every byte travels with every request. */
interface SessionPayload {
  readonly v: number;
  readonly i: string;
  readonly g: number;
  readonly s: string;
  readonly p?: string;
  readonly t: number;
  readonly a: string;
  readonly x: number;
  readonly r?: string;
  /** Scope, joined by spaces as OAuth writes it (RFC 6749 §3.3). */
  readonly o: string;
  readonly c: Claims;
  readonly b: number;
  readonly f: number;
  readonly l: number;
  readonly e: number;
}

const STRINGS = ['i', 's', 'a', 'o'] as const;
const OPTIONAL_STRINGS = ['p', 'r'] as const;
const NUMBERS = ['g', 't', 'x', 'b', 'f', 'l', 'e'] as const;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isSessionPayload(value: unknown): value is SessionPayload {
  if (!isRecord(value) || value['v'] !== VERSION || !isRecord(value['c'])) return false;
  return (
    STRINGS.every((key) => typeof value[key] === 'string') &&
    OPTIONAL_STRINGS.every((key) => value[key] === undefined || typeof value[key] === 'string') &&
    NUMBERS.every((key) => Number.isFinite(value[key]))
  );
}

export function toPayload(session: Session): object {
  const payload: SessionPayload = {
    v: VERSION,
    i: session.sid,
    g: session.generation,
    s: session.sub,
    ...(session.providerSid === undefined ? {} : { p: session.providerSid }),
    t: session.idTokenIssuedAt,
    a: session.accessToken,
    x: session.accessTokenExpiresAt,
    ...(session.refreshToken === undefined ? {} : { r: session.refreshToken }),
    o: session.scope.join(' '),
    c: session.claims,
    b: session.createdAt,
    f: session.refreshedAt,
    l: session.lastSeenAt,
    e: session.endsAt,
  };
  return payload;
}

/** The session in an authentic payload, frozen because many requests share it; undefined when its shape is not of this version. */
export function fromPayload(payload: unknown): Session | undefined {
  if (!isSessionPayload(payload)) return undefined;
  return Object.freeze({
    sid: payload.i,
    generation: payload.g,
    sub: payload.s,
    ...(payload.p === undefined ? {} : { providerSid: payload.p }),
    idTokenIssuedAt: payload.t,
    accessToken: payload.a,
    accessTokenExpiresAt: payload.x,
    ...(payload.r === undefined ? {} : { refreshToken: payload.r }),
    scope: Object.freeze(payload.o === '' ? [] : payload.o.split(' ')),
    claims: payload.c,
    createdAt: payload.b,
    refreshedAt: payload.f,
    lastSeenAt: payload.l,
    endsAt: payload.e,
  });
}
