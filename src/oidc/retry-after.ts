const MAX_SECONDS = 3600;

/** Seconds of a Retry-After header, a count or an HTTP date (RFC 9110 §10.2.3): 1 … 3,600, or `undefined` when it says nothing usable. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return clamp(Number(text));
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : clamp(Math.ceil((date - nowMs) / 1000));
}

function clamp(seconds: number): number {
  return Math.min(MAX_SECONDS, Math.max(1, seconds));
}
