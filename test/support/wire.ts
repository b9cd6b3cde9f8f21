/** What a test usually says of an answer of ours: its status and its code. */
export const verdictOf = ({
  status,
  headers,
}: {
  readonly status: number;
  readonly headers: Headers;
}): readonly [number, string | null] => [status, headers.get('cloakroom-error')];

/** The JSON object of an answer. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  const value: unknown = await response.json();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('The answer is no JSON object');
  return { ...value };
}

/** A header every answer of this kind must have. */
export function headerOf({ headers }: { readonly headers: Headers }, name: string): string {
  const value = headers.get(name);
  if (value === null) throw new Error(`The answer has no header ${name}`);
  return value;
}

/** Parameters of a URL's query, each of which came once. */
export function queryOf(url: string): Record<string, string> {
  const entries = [...new URL(url, 'http://relative.invalid').searchParams];
  if (new Set(entries.map(([name]) => name)).size < entries.length) throw new Error('A parameter came twice');
  return Object.fromEntries(entries);
}
