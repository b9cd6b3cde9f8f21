import type { Secret } from '../kernel/secret.ts';

const MIN_KEY_BYTES = 32;
export const KEY_RULE = 'must hold at least 32 random bytes and not be a placeholder (print one with: cloakroom keygen)';

const PLACEHOLDER =
  /change.?me|replace.?(?:me|this)|placeholder|password|example|insert.?(?:key|secret)|your.?(?:key|secret)|^(?:secret|x{4}|test|dummy)/i;
const MIN_DISTINCT_BYTES = 12;

/** How many bytes a key really holds: text that may be hex, base64url or base64 is measured as what it decodes to, any other by its UTF-8 bytes. */
function measuredBytes(text: string): Buffer {
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  return Buffer.from(text, /^(?:[A-Za-z0-9_-]+|[A-Za-z0-9+/]+)={0,2}$/.test(text) ? 'base64' : 'utf8');
}

/** Long enough, and not something a person typed to get past this check. */
export function isStrongKey(secret: Secret): boolean {
  const text = secret.reveal();
  const bytes = measuredBytes(text);
  if (bytes.length < MIN_KEY_BYTES || new Set(bytes).size < MIN_DISTINCT_BYTES) return false;
  return !PLACEHOLDER.test(text) && !repeats(text) && !climbs(text);
}

/** One piece written over and over, such as `abc123abc123…`. */
function repeats(text: string): boolean {
  const period = text.indexOf(text.slice(0, Math.ceil(text.length / 2)), 1);
  return period > 0 && Array.from(text.slice(period)).every((char, index) => char === text[index]);
}

/** Most characters are the neighbour of the one before, such as `0123456789abc…`. */
function climbs(text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  const near = codes.filter((code, index) => Math.abs(code - (codes[index - 1] ?? Number.NaN)) <= 1);
  return near.length > codes.length / 2;
}
