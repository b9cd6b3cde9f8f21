import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Inflated JSON above this is refused: far above any cookie, far below what hurts. */
export const MAX_INFLATED = 64 * 1024;

/** What lies inside a seal: the payload itself, or its JSON deflated (RFC 1951) where that is shorter. */
export type Envelope = { readonly p: unknown } | { readonly z: string };

export type Opened =
  | { readonly kind: 'opened'; readonly payload: unknown; readonly bytes: number }
  /** Over the cap, or not what deflate writes. */
  | { readonly kind: 'broken' }
  /** Authentic, but of no form that this version writes. */
  | { readonly kind: 'unknown-form' };

/**
 * `json` is the payload's JSON text. Synchronous on purpose: at these sizes zlib takes 30 µs in place and four times that
 * through the thread pool, and it runs once per login or refresh.
 */
export function enclose(json: string): Envelope {
  const plain = { p: JSON.parse(json) as unknown };
  // What could not be opened again is not deflated either; its size is then refused as over budget.
  if (Buffer.byteLength(json) > MAX_INFLATED) return plain;
  const deflated = deflateRawSync(json).toString('base64url');
  return deflated.length < Buffer.byteLength(json) ? { z: deflated } : plain;
}

function inflated(text: string): Opened {
  try {
    const json = inflateRawSync(Buffer.from(text, 'base64url'), { maxOutputLength: MAX_INFLATED }).toString('utf8');
    return { kind: 'opened', payload: JSON.parse(json) as unknown, bytes: json.length };
  } catch {
    // zlib and JSON.parse tell a bad text only by throwing, and the reason makes no difference here.
    return { kind: 'broken' };
  }
}

export function open(envelope: unknown, sealedLength: number): Opened {
  if (typeof envelope !== 'object' || envelope === null) return { kind: 'unknown-form' };
  if ('z' in envelope && typeof envelope.z === 'string') return inflated(envelope.z);
  if ('p' in envelope) return { kind: 'opened', payload: envelope.p, bytes: sealedLength };
  return { kind: 'unknown-form' };
}
