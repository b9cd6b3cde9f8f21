/** Far longer than cookies can carry: a session that outgrew them lives on in its head (the request header itself is bounded elsewhere). */
const MAX_LENGTH = 256 * 1024;
const DIGEST_LENGTH = 43;
const STAR = 0x2a;

const FORM = /^Fe26\.2\*(0|[1-9]\d{0,14})\*[0-9a-f]{64}\*[\w-]{21}[AQgw]\*([\w-]+)\*\*[0-9a-f]{64}\*[\w-]{42}[AEIMQUYcgkosw048]$/;
/** By the length of the text modulo 4: what its last character may be, so that no stray bits hide in it (RFC 4648 §3.5). */
const CANONICAL_END = [/./, /^$/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/] as const;

function isCanonicalBase64(text: string): boolean {
  return CANONICAL_END[(text.length % 4) as 0 | 1 | 2 | 3].test(text);
}

/** Whether a value can be a seal at all. Takes the same time for any length: pieces of a chunked value are asked about on every request. */
export const mayBeSealed = (value: string): boolean =>
  value.charCodeAt(value.length - DIGEST_LENGTH - 1) === STAR && value.length <= MAX_LENGTH;

/**
 * The one spelling of a seal that we accept: `Fe26.2*<key>*<salt>*<iv>*<ciphertext>**<salt>*<digest>`, without iron's `~2`,
 * without expiry, every base64url part canonical. iron itself takes several spellings of one seal, and each of them would
 * be one more key of the cache. Answers the key's fingerprint, undefined for everything else.
 */
export function sealedFingerprint(value: string): string | undefined {
  return mayBeSealed(value) ? fingerprintOf(value) : undefined;
}

/** The same for a seal of any length. */
export function fingerprintOf(value: string): string | undefined {
  const [, fingerprint, ciphertext] = FORM.exec(value) ?? [];
  return ciphertext !== undefined && isCanonicalBase64(ciphertext) ? fingerprint : undefined;
}
