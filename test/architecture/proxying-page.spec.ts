import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '../../src/kernel/errors.ts';
import { canonicalTarget } from '../../src/kernel/request-target.ts';

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const page = read('proxying.md');
const reference = read('configuration.md');

/** The cells of the table below a heading, row by row, without code marks. */
function rowsOf(heading: string): readonly string[][] {
  const text = page.slice(page.indexOf(`\n## ${heading}\n`));
  const lines = text
    .slice(text.indexOf('\n|'), text.indexOf('\n\n', text.indexOf('\n|')))
    .trim()
    .split('\n')
    .slice(2);
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** Default of a key as the generated reference has it. */
function defaultOf(key: string): string | undefined {
  const line = reference.split('\n').find((it) => it.startsWith(`| \`${key}\``));
  return line?.split('|')[2]?.trim().replaceAll('`', '');
}

describe('docs/proxying.md', () => {
  const targets = rowsOf('Which paths pass').map(([target = '', answer = '']) => [target, answer] as const);

  it.each(targets)('says of %s what the code does: %s', (target, answer) => {
    const result = canonicalTarget(target);
    expect(result.kind === 'refused' || result.encodedSlash ? '400' : 'passes').toBe(answer);
  });

  it.each([...rowsOf('Lifetimes'), ...rowsOf('Limits')].filter(([, key]) => key !== '–').map((row) => row.slice(1, 3)))(
    'gives the default of %s as it is: %s',
    (key = '', value = '') => {
      expect(defaultOf(key)).toBe(value);
    },
  );

  it('names no code with another status, and no key that does not exist', () => {
    const coded = [...page.matchAll(/(\d{3}) `([a-z_]+)`/g)].map(([, status, code]) => [Number(status), code] as const);
    expect(coded.length).toBeGreaterThan(5);
    const statuses = new Map<string, number>(Object.entries(ERRORS).map(([code, { status }]) => [code, status]));
    for (const [status, code = ''] of coded) expect([code, statuses.get(code)]).toEqual([code, status]);
    const keys = [...page.matchAll(/`((?:listen|routes\[\]|websocket|session|csrf|cookie|refresh)\.\w+)/g)].map(([, key = '']) => key);
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((key) => !reference.includes(`\`${key}\``))).toEqual([]);
  });
});
