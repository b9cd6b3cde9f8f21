import { describe, expect, it } from '@jest/globals';

import { functionSizes, lineCount, mutableState, sourceFiles, type SourceFile } from './source-files.ts';

const src = sourceFiles('src');
const everything = sourceFiles('src', 'test', 'demo', 'bench', 'scripts');

const share = <T>(items: readonly T[], holds: (item: T) => boolean): number => items.filter(holds).length / items.length;
const matches = (files: readonly SourceFile[], pattern: RegExp): readonly string[] =>
  files.flatMap(({ path, text }) => text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}`] : [])));

// Spelled apart, so that this file does not find itself.
const UNFINISHED_WORDS = [['TO', 'DO'].join(''), ['FIX', 'ME'].join('')];
const FOCUSED_CALLS = [['it', 'only('].join('.'), ['describe', 'only.each('].join('.'), ['f', 'it('].join('')];
const SWITCH_OFF = ['eslint', 'disable'].join('-');
const UNFINISHED = new RegExp(`\\b(${UNFINISHED_WORDS.join('|')})\\b`);
const FOCUSED = /\b(describe|it|test)[.]only\b|\b(fdescribe|fit)[(]/;
const UNEXPLAINED = /eslint-disable(?!.* -- \S)|@ts-expect-error\s*$|@ts-(ignore|nocheck)/;
const VAGUE_NAME = /(^|[/.-])(utils?|helpers?|managers?|services?|data|misc|common|index)([/.-]|$)/i;
const VAGUE_CLASS = /\bclass \w*(Util|Utils|Helper|Manager|Service|Data)\b/;

describe('files', () => {
  it('stay under 200 lines nine times out of ten, and never reach 300', () => {
    expect(share(src, (file) => lineCount(file) < 200)).toBeGreaterThanOrEqual(0.9);
    expect(src.filter((file) => lineCount(file) >= 300).map(({ path }) => path)).toEqual([]);
  });

  it('have functions under 30 lines nine times out of ten, and none over 60', () => {
    const sizes = src.flatMap(functionSizes);
    expect(share(sizes, ({ lines }) => lines < 30)).toBeGreaterThanOrEqual(0.9);
    expect(sizes.filter(({ lines }) => lines > 60)).toEqual([]);
  });

  it('are named after what they hold', () => {
    expect(everything.map(({ path }) => path).filter((path) => VAGUE_NAME.test(path))).toEqual([]);
    expect(matches(everything, VAGUE_CLASS)).toEqual([]);
  });

  it('keep no state of their own in src', () => {
    expect(src.flatMap(mutableState)).toEqual([]);
  });

  it('leave nothing unfinished', () => {
    expect(matches(everything, UNFINISHED)).toEqual([]);
  });

  it('give a reason wherever a check is switched off', () => {
    expect(matches(everything, UNEXPLAINED)).toEqual([]);
  });

  it('never focus one test', () => {
    expect(matches(sourceFiles('test'), FOCUSED)).toEqual([]);
  });
});

describe('the conventions', () => {
  const file = (text: string): SourceFile => ({ path: 'x.ts', text });

  it('count the lines of each function', () => {
    const sizes = functionSizes(file('class A {\n  b(): void {\n    const c = () => {\n      d();\n    };\n  }\n}\n'));
    expect(sizes).toEqual([
      { at: 'x.ts:2', lines: 5 },
      { at: 'x.ts:3', lines: 3 },
    ]);
  });

  it.each([
    'let a = 1;',
    'const a = new Map();',
    'export const a: string[] = [];',
    'const a = {};',
    'const a: Map<string, string> = new Map();',
  ])('take `%s` for state', (line) => expect(mutableState(file(line))).toEqual(['x.ts: a']));

  it.each([
    'const a = 1;',
    "const a: ReadonlySet<string> = new Set(['x']);",
    "const a: readonly string[] = ['x'];",
    'const a = { b: 1 } as const;',
    "const a = ['x'] as const;",
  ])('take `%s` for a constant', (line) => expect(mutableState(file(line))).toEqual([]));

  it.each(['src/kernel/string-utils.ts', 'src/auth/session-helper.ts', 'src/auth/index.ts', 'src/data/x.ts', 'src/session.service.ts'])(
    'refuse the name %s',
    (path) => expect(path).toMatch(VAGUE_NAME),
  );

  it.each(['src/oidc/provider-metadata.ts', 'src/auth/login.controller.ts', 'src/config/sections/management.ts'])(
    'accept the name %s',
    (path) => expect(path).not.toMatch(VAGUE_NAME),
  );

  it.each(UNFINISHED_WORDS)('notice %s', (word) => expect(`// ${word} later`).toMatch(UNFINISHED));

  it.each(FOCUSED_CALLS)('notice a focused %s', (call) => expect(`  ${call}`).toMatch(FOCUSED));

  it.each([`// ${SWITCH_OFF}-next-line no-console`, `/* ${SWITCH_OFF} */`, `// @${['ts', 'ignore'].join('-')} because`])(
    'notice the unexplained %s',
    (line) => expect(line).toMatch(UNEXPLAINED),
  );

  it('accept a check switched off with a reason', () => {
    expect(`// ${SWITCH_OFF}-next-line no-console -- the usage text`).not.toMatch(UNEXPLAINED);
  });
});
