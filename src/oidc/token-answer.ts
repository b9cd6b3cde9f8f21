import { parseJsonObject, stringIn, type JsonObject } from './json-object.ts';
import { parseRetryAfter } from './retry-after.ts';
import { unverifiedExpiry } from './signed-token.ts';
import type { TokenSet } from './identity-provider.ts';

const LONGEST_LIFETIME_S = 31_536_000;
/** What an Authorization header can carry (RFC 6749 appendix A.12). */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
/** The characters of RFC 6749 §5.2 without the space, which no error code in use has; longer than any of those. */
const ERROR_WORD = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** RFC 8693 §3. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * What the token endpoint said (RFC 6749 §5). `unusable`: readable, and yet no bearer token. `unreadable`: not an answer of a token
 * endpoint. Neither says whether the provider spent the code or rotated the refresh token.
 */
export type TokenAnswer =
  | { readonly kind: 'tokens'; readonly tokens: TokenSet }
  /** `error`: the provider's word as far as it is one, else `other`. Not for a log: it may still be anything of that form. */
  | { readonly kind: 'error'; readonly error: string; readonly status: number }
  | { readonly kind: 'throttled'; readonly retryAfter?: number }
  | { readonly kind: 'unusable'; readonly cause: string }
  | { readonly kind: 'unreadable'; readonly cause: string; readonly retryAfter?: number };

export interface TokenAnswerContext {
  /** When the request left, milliseconds: lifetimes are counted from there, so that they can only be too short. */
  readonly sentAt: number;
  /** Milliseconds. */
  readonly fallbackLifetime: number;
  /** The answer of a token exchange: it says what kind of token it gives (RFC 8693 §2.2.1). */
  readonly exchanged?: true;
}

/** Reads and normalises an answer of the token endpoint; nothing in it makes this throw. */
export async function readTokenAnswer(response: Response, context: TokenAnswerContext): Promise<TokenAnswer> {
  const { status } = response;
  const retryAfter = parseRetryAfter(response.headers.get('retry-after'), context.sentAt);
  const wait = retryAfter === undefined ? {} : { retryAfter };
  if (status === 429) return { kind: 'throttled', ...wait };
  if (status >= 500) return { kind: 'unreadable', cause: `http_${status}`, ...wait };
  const body = parseJsonObject(await response.text());
  if (body === undefined) return { kind: 'unreadable', cause: status === 200 ? 'not_json' : `http_${status}`, ...wait };
  const error = stringIn(body, 'error');
  if (error !== undefined) return { kind: 'error', error: ERROR_WORD.test(error) ? error : 'other', status };
  if (status !== 200) return { kind: 'unreadable', cause: `http_${status}`, ...wait };
  return readTokens(body, context);
}

function readTokens(body: JsonObject, context: TokenAnswerContext): TokenAnswer {
  const accessToken = stringIn(body, 'access_token');
  if (accessToken === undefined || !VISIBLE_ASCII.test(accessToken)) return { kind: 'unusable', cause: 'access_token' };
  if (stringIn(body, 'token_type')?.toLowerCase() !== 'bearer') return { kind: 'unusable', cause: 'token_type' };
  if (context.exchanged === true && !isAccessToken(body)) return { kind: 'unusable', cause: 'issued_token_type' };
  const refreshToken = stringIn(body, 'refresh_token');
  const idToken = stringIn(body, 'id_token');
  const scope = stringIn(body, 'scope')
    ?.split(' ')
    .filter((word) => word !== '');
  const tokens: TokenSet = {
    accessToken,
    accessTokenExpiresAt: expiresAt(body['expires_in'], accessToken, context),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(idToken === undefined ? {} : { idToken }),
    ...(scope === undefined || scope.length === 0 ? {} : { scope }),
  };
  return { kind: 'tokens', tokens };
}

/** Whoever says nothing of the kind has given what was asked for: some providers leave the member out. */
const isAccessToken = (body: JsonObject): boolean => (body['issued_token_type'] ?? ACCESS_TOKEN_TYPE) === ACCESS_TOKEN_TYPE;

/** `expires_in` when it makes sense, else `exp` of a JWT, else the fallback: always a finite moment after the request. */
export function expiresAt(expiresIn: JsonObject[string], accessToken: string, { sentAt, fallbackLifetime }: TokenAnswerContext): number {
  const seconds = typeof expiresIn === 'string' && /^\d+(\.\d+)?$/.test(expiresIn.trim()) ? Number(expiresIn) : expiresIn;
  if (isLifetime(seconds)) return sentAt + Math.floor(seconds) * 1000;
  const exp = unverifiedExpiry(accessToken);
  if (exp !== undefined && isLifetime(exp - sentAt / 1000)) return Math.floor(exp) * 1000;
  return sentAt + fallbackLifetime;
}

function isLifetime(seconds: JsonObject[string]): seconds is number {
  return typeof seconds === 'number' && seconds >= 1 && seconds <= LONGEST_LIFETIME_S;
}
