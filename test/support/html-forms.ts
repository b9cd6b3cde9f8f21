/** The first form of a page: where it goes and its hidden fields. */
export interface Form {
  readonly action: string;
  readonly method: 'GET' | 'POST';
  readonly fields: Readonly<Record<string, string>>;
}

export function findForm(html: string): Form | undefined {
  const match = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (match === null) return undefined;
  const attributes = match[1] ?? '';
  const inputs = (match[2] ?? '').matchAll(/<input\b([^>]*)>/gi);
  const fields: Record<string, string> = {};
  for (const [, input = ''] of inputs) {
    const name = attributeOf(input, 'name');
    if (name !== undefined) fields[name] = attributeOf(input, 'value') ?? '';
  }
  return {
    action: attributeOf(attributes, 'action') ?? '',
    method: attributeOf(attributes, 'method')?.toLowerCase() === 'post' ? 'POST' : 'GET',
    fields,
  };
}

/** The page submits its form without a click, as `form_post` responses do. */
export function submitsItself(html: string): boolean {
  return html.includes('document.forms[0].submit()');
}

/** Where a `Refresh` header or meta element leads at once; delayed refreshes are left alone. */
export function refreshTarget(header: string | null, html: string): string | undefined {
  const meta = /<meta\b[^>]*http-equiv="refresh"[^>]*>/i.exec(html)?.[0];
  const value = header ?? (meta === undefined ? undefined : attributeOf(meta, 'content'));
  const match = /^0\s*[;,]\s*url=(.*)$/i.exec(value?.trim() ?? '');
  return match?.[1]?.trim().replace(/^(['"])(.*)\1$/, '$2');
}

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}\\s*=\\s*"([^"]*)"`, 'i').exec(tag)?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
}

function unescapeHtml(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole: string, decimal?: string, hex?: string, word?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return named[word ?? ''] ?? whole;
  });
}
