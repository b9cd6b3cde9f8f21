import { Config } from './config.ts';
import { PREFIX, isSecret } from './env-names.ts';
import { screamingSnake } from './option-path.ts';
import type { OptionRecord, SectionClass, ValueOption } from './option.ts';
import { optionsOf } from './option.ts';
import { PROVIDER_PRESETS, type Preset } from './provider-presets.ts';

const INTRO = `# Configuration

<!-- Written by \`npm run docs\` from the annotated classes in src/config: change those, not this page. -->

Values come from five sources, each stronger than the one before: defaults, those of a [preset](#presets), the YAML file, environment variables, and the files that \`…File\` keys name.
\`cloakroom check\` shows the configuration in effect, with secrets masked; a bad one ends the process with exit code 78 before it listens, each problem by its path.

- **Durations** carry a unit (\`500ms\`, \`30s\`, \`5m\`, \`12h\`, \`1d\`), **sizes** too (\`512B\`, \`6KiB\`, \`5MiB\`, \`1GiB\`). What is off is written \`off\`, never \`0\`.
- **Secrets** also exist as \`…File\` (variable \`…_FILE\`): the name of a file whose content is the secret, without the line end. Giving both is an error.
- **Lists** in the environment: one variable for each entry (\`<n>\` counts from 0), one JSON value, or commas between plain words. Maps: one JSON value.
- **Unknown keys** in the file are errors; unknown \`${PREFIX}*\` variables are warned about. An empty variable counts as absent.
- **Planned** keys and values are not available in this version: anything but their default is refused.

The same in a form for editors: [configuration.schema.json](configuration.schema.json).
`;

const PRESETS_INTRO = `What \`provider.preset\` sets where nothing is given. A list or map that is given replaces the preset's as a whole; \`{issuer}\` is the issuer without a slash at the end.
What to switch on at the provider: [tokens.md](tokens.md#providers).
`;

interface Row {
  readonly path: string;
  readonly variable: string;
  readonly record: OptionRecord;
  readonly initial: unknown;
  readonly planned: boolean;
}

/** docs/configuration.md: every key with its variable, default, values and meaning. */
export function configurationMarkdown(): string {
  const records = optionsOf(Config);
  const general = records.filter(({ spec }) => 'type' in spec);
  const sections = records.filter(({ spec }) => !('type' in spec));
  const defaults = new Config();
  const top = general.flatMap((record) => rowsOf(record, defaults, '', PREFIX, false));
  return [INTRO, '## General\n', table(top), ...sections.map((record) => chapter(record, defaults))].join('\n');
}

/** What each preset of a provider changes, and why. */
function presets(): string {
  const lines = Object.entries(PROVIDER_PRESETS).map(([name, preset]) => `| **${name}** | ${settingsOf(preset)} | ${cell(preset.doc)} |`);
  return ['### Presets\n', PRESETS_INTRO, '| Preset | Sets | Because |', '| --- | --- | --- |', ...lines, ''].join('\n');
}

const settingsOf = ({ settings }: Preset): string =>
  Object.entries(settings)
    .flatMap(([section, values]) => Object.entries(values).map(([key, value]) => `\`${section}.${key}: ${settingText(value)}\``))
    .join('<br>');

function settingText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value === 'string') return value;
  return `{ ${Object.entries(value as Readonly<Record<string, string>>)
    .map(([name, text]) => `${name}: ${text}`)
    .join(', ')} }`;
}

function chapter(record: OptionRecord, defaults: Config): string {
  const rows = rowsOf(record, defaults, '', PREFIX, false);
  const mark = rows.every(({ planned }) => planned) ? ' (planned)' : '';
  const more = record.key === 'provider' ? [presets()] : [];
  return [`## ${record.key}${mark}\n`, `${record.spec.doc}\n`, table(rows), ...more].join('\n');
}

function rowsOf(record: OptionRecord, owner: object, parent: string, variables: string, plannedAbove: boolean): readonly Row[] {
  const { key, spec } = record;
  const planned = plannedAbove || spec.planned === true;
  const path = parent === '' ? key : `${parent}.${key}`;
  const variable = variables + screamingSnake(key);
  const initial: unknown = Reflect.get(owner, key);
  if ('type' in spec) return [{ path, variable, record, initial, planned }];
  const list = 'listOf' in spec;
  const inner: SectionClass = list ? spec.listOf : spec.section;
  const place = list ? [`${path}[]`, `${variable}_<n>_`] : [path, `${variable}_`];
  const section = new inner();
  return optionsOf(inner).flatMap((it) => rowsOf(it, section, place[0] ?? '', place[1] ?? '', planned));
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { spec } = row.record;
    const name = `\`${row.path}\`${isSecret(row.record) ? ' (or `…File`)' : ''}<br>\`${row.variable}\``;
    const doc = row.planned ? `*Planned.* ${spec.doc}` : spec.doc;
    return `| ${[name, defaultOf(row), valuesOf(row.record), doc].map(cell).join(' | ')} |`;
  });
  return ['| Key and variable | Default | Values | Meaning |', '| --- | --- | --- | --- |', ...lines, ''].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultOf({ record: { spec }, initial }: Row): string {
  if (spec.required === true) return '*required*';
  if (spec.defaultWords !== undefined) return spec.defaultWords;
  const { type } = spec as ValueOption;
  const printed = initial === undefined ? type.absent : type.print(initial);
  if (printed === undefined) return '';
  if (Array.isArray(printed)) return `\`[${printed.join(', ')}]\``;
  return `\`${typeof printed === 'string' ? printed : JSON.stringify(printed)}\``;
}

function valuesOf({ spec, limits }: OptionRecord): string {
  const { type, planned } = spec as ValueOption;
  const later = Array.isArray(planned) ? [`planned: ${planned.map((it) => `\`${String(it)}\``).join(' ')}`] : [];
  return [type.words, ...limits.flatMap(({ words }) => (words === undefined ? [] : [`between ${words}`])), ...later].join('; ');
}
