/** An answer of the proxy as most tests tell it. */
export interface Told {
  readonly status: number;
  /** Our own code, when the answer is ours. */
  readonly code: string | undefined;
  /** `name=value` of each cookie that is set, in order. */
  readonly set: readonly string[];
  /** Names of the cookies that are taken away. */
  readonly cleared: readonly string[];
  readonly retryAfter: string | undefined;
}

export function told({ status, headers }: Pick<Response, 'status' | 'headers'>): Told {
  const lines = headers.getSetCookie();
  const pair = (line: string): string => line.split(';', 1)[0] ?? '';
  return {
    status,
    code: headers.get('cloakroom-error') ?? undefined,
    set: lines.filter((line) => !line.includes('Max-Age=0')).map(pair),
    cleared: lines.filter((line) => line.includes('Max-Age=0')).map((line) => pair(line).replace(/=.*/, '')),
    retryAfter: headers.get('retry-after') ?? undefined,
  };
}

/** What the echo API knows of the bearer token: equal for equal tokens. */
export async function fingerprintOf(answer: Response): Promise<string> {
  const { bearer } = (await answer.json()) as { readonly bearer: false | { readonly fingerprint: string } };
  if (bearer === false) throw new Error('The request had no bearer token');
  return bearer.fingerprint;
}
