import { Secret } from '../kernel/secret.ts';
import type { BaseUrl } from './base-url.ts';
import { parseBaseUrl } from './base-url.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { OptionType, Parsed } from './option-type.ts';
import { ok, refused } from './option-type.ts';
import { formatSize, parseSize } from './size.ts';

const same = <T>(value: T): T => value;
const CONTROL = /\p{Cc}/u;

/** Reads text and hands it on to `read`; everything else is refused. */
const fromWords =
  <T>(message: string, read: (text: string) => T | undefined) =>
  (raw: unknown): Parsed<T> => {
    const value = typeof raw === 'string' ? read(raw) : undefined;
    return value === undefined ? refused(message) : ok(value);
  };

/** One line of text, not empty. */
export const text = (words = 'text'): OptionType<string> => ({
  words,
  schema: { type: 'string', minLength: 1 },
  parse: fromWords('must be text on one line (in quotes when it looks like a number), not empty', (it) =>
    it === '' || CONTROL.test(it) ? undefined : it,
  ),
  fromText: same,
  print: same,
});

/** The name of a file that must be readable when the configuration is loaded; the value stays the name. */
export const file = (): OptionType<string> => ({ ...text('file name'), source: 'file' });

/** The name of a directory with this readable file in it; the value stays the name. */
export const directory = (holds: string): OptionType<string> => ({ ...text('directory'), holds });

/** Text that is never shown again. Also exists as `…File`. */
export const secret = ({ keepsFile = false } = {}): OptionType<Secret> => ({
  keepsFile,
  words: 'secret',
  schema: { type: 'string', minLength: 1 },
  parse: fromWords('must be text (in quotes when it looks like a number), not empty', (it) => (it === '' ? undefined : new Secret(it))),
  fromText: same,
  print: String,
  source: 'secret',
});

/** Text, a number or a flag: the value of a claim. */
export const scalar = (): OptionType<string | number | boolean> => ({
  words: 'text, number or flag',
  schema: { type: ['string', 'number', 'boolean'] },
  parse: (raw) =>
    typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean'
      ? ok(raw)
      : refused('must be text, a number, true or false'),
  fromText: same,
  print: same,
});

/** One of a closed set of words. */
export const oneOf = <const T extends string>(...values: readonly T[]): OptionType<T> => ({
  words: values.map((it) => `\`${it}\``).join(' '),
  schema: { enum: values },
  parse: fromWords(`must be one of: ${values.join(', ')}`, (it) => values.find((value) => value === it)),
  fromText: same,
  print: same,
});

export const integer = (): OptionType<number> => ({
  words: 'whole number',
  schema: { type: 'integer' },
  parse: (raw) => (typeof raw === 'number' && Number.isSafeInteger(raw) ? ok(raw) : refused('must be a whole number')),
  fromText: (it) => (/^(?:0|[1-9]\d{0,14})$/.test(it) ? Number(it) : it),
  print: same,
});

const FLAG_WORDS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  ['on', true],
  ['off', false],
]);

/** `true` and `false`, or `on` and `off` (YAML 1.2 reads those two as text). */
export const flag = (printed: 'true-false' | 'on-off' = 'true-false'): OptionType<boolean> => ({
  words: printed === 'on-off' ? '`on` `off`' : '`true` `false`',
  schema: { enum: [true, false, 'on', 'off'] },
  parse: (raw) => {
    const value = FLAG_WORDS.get(raw);
    return value === undefined ? refused(`must be ${printed === 'on-off' ? 'on or off' : 'true or false'}`) : ok(value);
  },
  fromText: (it) => (it === 'true' ? true : it === 'false' ? false : it),
  print: (value) => (printed === 'true-false' ? value : value ? 'on' : 'off'),
});

/** Milliseconds in memory. */
export const duration = (): OptionType<number> => ({
  words: 'duration',
  schema: { type: 'string', pattern: '^(0|[1-9][0-9]*)(ms|s|m|h|d)$' },
  parse: fromWords('must be a duration with its unit, such as 500ms, 30s, 5m, 12h or 1d', parseDuration),
  fromText: same,
  print: formatDuration,
});

/** Bytes in memory. */
export const size = (): OptionType<number> => ({
  words: 'size',
  schema: { type: 'string', pattern: '^(0|[1-9][0-9]*)(B|KiB|MiB|GiB)$' },
  parse: fromWords('must be a size with its unit, such as 512B, 6KiB, 5MiB or 1GiB', parseSize),
  fromText: same,
  print: formatSize,
});

export const baseUrl = (): OptionType<BaseUrl> => ({
  words: 'URL: origin and optional path',
  schema: { type: 'string', format: 'uri' },
  parse: fromWords(
    'must be an http or https URL of an origin and an optional path of plain segments, without user info, query or fragment',
    parseBaseUrl,
  ),
  fromText: same,
  print: (value) => value.href,
});
