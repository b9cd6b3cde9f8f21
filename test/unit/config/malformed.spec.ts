import { describe, expect, it } from '@jest/globals';
import { Config } from '../../../src/config/config.ts';
import { optionsOf, type OptionRecord, type SectionClass } from '../../../src/config/option.ts';
import { KEY, load, pathsOf } from './sample.ts';

interface Place {
  readonly path: string;
  readonly steps: readonly (string | number)[];
  readonly record: OptionRecord;
}

/** Every key of the tree, lists at their entry 0. */
function places(owner: SectionClass, parent: string, steps: readonly (string | number)[]): readonly Place[] {
  return optionsOf(owner).flatMap((record) => {
    const { key, spec } = record;
    const path = parent === '' ? key : `${parent}.${key}`;
    const here = { path, steps: [...steps, key], record };
    if (spec.planned === true || 'type' in spec) return [here];
    if ('section' in spec) return [here, ...places(spec.section, path, here.steps)];
    return [here, ...places(spec.listOf, `${path}[0]`, [...here.steps, 0])];
  });
}

const good = (): Record<string, unknown> => ({
  publicUrl: 'https://app.example.com',
  provider: { issuer: 'https://id.example.com', clientId: 'app', clientSecret: 'sesame' },
  cookie: { keys: [{ id: 1, secret: KEY }] },
  routes: [{ path: '/api', upstream: 'http://api:8080' }],
  access: { allow: [{ claim: 'groups', anyOf: ['staff'] }] },
  spa: { directory: './dist' },
});

function put(container: Record<string | number, unknown>, [step, ...rest]: readonly (string | number)[], value: unknown): void {
  if (step === undefined) return;
  if (rest.length === 0) container[step] = value;
  else {
    const found: unknown = Reflect.get(container, step);
    const inner = found ?? (typeof rest[0] === 'number' ? [{}] : {});
    container[step] = inner;
    put(inner as Record<string | number, unknown>, rest, value);
  }
}

const withValue = ({ steps }: Place, value: unknown): string => {
  const tree = good();
  put(tree, steps, value);
  return JSON.stringify(tree);
};

const takes = ({ record: { spec } }: Place, value: unknown): boolean => 'type' in spec && spec.type.parse(value).kind === 'ok';
const isSecret = ({ record: { spec } }: Place): boolean => 'type' in spec && spec.type.source === 'secret';

// What no option takes. A fraction is text to our YAML, so it may stand where text may.
const WRONG: readonly (readonly [string, unknown, (place: Place) => boolean])[] = [
  ['null', null, () => true],
  ['a negative number', -1, (it) => !it.path.endsWith('anyOf')],
  ['a fraction', 1.5, (it) => !takes(it, '1.5')],
  ['a list of lists', [[[]]], () => true],
  ['a map of maps', { a: { b: {} } }, () => true],
  ['the other container', [{ constructor: 1 }], () => true],
  ['an empty text', '', () => true],
  ['text over two lines', 'a\nb', (it) => !isSecret(it)],
];

const all = places(Config, '', []);
const problemAt = (paths: readonly string[], path: string): boolean =>
  paths.some((it) => it === path || it.startsWith(`${path}.`) || it.startsWith(`${path}[`));

describe('a malformed configuration', () => {
  it('is tried at every key of the tree', () => {
    expect(all.length).toBeGreaterThan(120);
  });

  it.each(WRONG)('names the path wherever %s stands', (_, value, applies) => {
    const silent = all.filter(applies).filter((place) => !problemAt(pathsOf({ yaml: withValue(place, value) }), place.path));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('names the path of an unknown key in every section', () => {
    const sections = all.filter(({ record: { spec } }) => 'section' in spec && spec.planned !== true);
    expect(sections.length).toBeGreaterThan(15);
    const silent = sections.filter((place) => {
      const tree = good();
      put(tree, [...place.steps, 'noSuchKey'], 1);
      return !pathsOf({ yaml: JSON.stringify(tree) }).includes(`${place.path}.noSuchKey`);
    });
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('never throws, whatever bytes are changed', () => {
    const text = JSON.stringify(good(), null, 1);
    const noise = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '\n',
      '\t',
      '&a',
      '*a',
      '!!map',
      '- ',
      '? ',
      '#',
      '\u0000',
      '\ufeff',
      '<<',
      '|',
      '>',
      '%',
      '@',
      '\ud800',
    ];
    let refused = 0;
    for (let round = 0; round < 1200; round++) {
      const at = (round * 7919) % text.length;
      const piece = noise[round % noise.length] ?? '';
      const cut = round % 3;
      const loaded = load({ yaml: text.slice(0, at) + piece + text.slice(at + cut) });
      if (loaded.kind === 'ok') continue;
      refused++;
      expect(loaded.problems.filter(({ path, message }) => path === '' || message === '' || /[\n\r]/.test(path + message))).toEqual([]);
    }
    expect(refused).toBeGreaterThan(600);
  });
});
