const ATTEMPT_NAME = /(-login\.)[0-9a-z]{7}[\w-]{4}$/;

/** A Set-Cookie line without what differs each time: `name=…; attributes`, or `name=; attributes` when it clears. */
function shapeOf(line: string): string {
  const [pair = '', ...attributes] = line.split('; ');
  return [`${nameOf(pair).replace(ATTEMPT_NAME, '$1<id>')}=${valueOf(pair) === '' ? '' : '…'}`, ...attributes].join('; ');
}

export const shapesOf = (lines: readonly string[]): string[] => lines.map((line) => shapeOf(line));

export const nameOf = (line: string): string => line.split('=', 1)[0] ?? '';

const valueOf = (line: string): string => (line.split(';', 1)[0] ?? '').slice(nameOf(line).length + 1);

/** Lines that take a cookie away. */
export const clearings = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes('Max-Age=0')).map((line) => nameOf(line));
