import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { Config } from '../../../src/config/config.ts';
import { configurationMarkdown } from '../../../src/config/config-docs.ts';
import { configurationSchema } from '../../../src/config/config-schema.ts';
import { envNames, resolveName } from '../../../src/config/env-names.ts';
import { optionsOf, type SectionClass } from '../../../src/config/option.ts';

const root = join(import.meta.dirname, '../../..');

/** Each leaf of the tree, as the page writes it. */
function leaves(owner: SectionClass, parent = ''): readonly string[] {
  return optionsOf(owner).flatMap(({ key, spec }) => {
    const path = parent === '' ? key : `${parent}.${key}`;
    if ('type' in spec) return [path];
    return 'section' in spec ? leaves(spec.section, path) : leaves(spec.listOf, `${path}[]`);
  });
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly additionalProperties?: unknown;
}

const schemaLeaves = ({ properties = {} }: Schema, parent = ''): readonly string[] =>
  Object.entries(properties).flatMap(([key, schema]) => {
    const path = parent === '' ? key : `${parent}.${key}`;
    if (schema.properties !== undefined) return schemaLeaves(schema, path);
    return schema.items?.properties === undefined ? [path] : schemaLeaves(schema.items, `${path}[]`);
  });

describe('docs/configuration.md', () => {
  const page = configurationMarkdown();
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));

  it('has one row for each key', () => {
    expect(rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])).toEqual([...leaves(Config)].sort(byPageOrder(rows)));
    expect(rows.length).toBeGreaterThan(120);
  });

  it('names a variable that means just this key', () => {
    const wrong = rows.filter((row) => {
      const [, path, variable] = /^\| `([^`]+)`.*?<br>`CLOAKROOM_([^`]+)`/.exec(row) ?? [];
      const target = resolveName(Config, (variable ?? '').replaceAll('<n>', '0'));
      return target?.path.join('.') !== path?.replaceAll('[]', '.0');
    });
    expect(wrong).toEqual([]);
  });

  it('has the defaults with their units, and says what is required and what is planned', () => {
    const row = (key: string): string => rows.find((it) => it.startsWith(`| \`${key}\``)) ?? '';
    expect(row('session.idle')).toContain('| `30m` |');
    expect(row('cookie.budget')).toContain('| `6KiB` |');
    expect(row('session.idleStep')).toContain('| `session.idle` / 10 |');
    expect(row('routes[].maxBody')).toContain('| `off` |');
    expect(row('publicUrl')).toContain('| *required* |');
    expect(row('cookie.keys[].secret')).toContain('(or `…File`)');
    expect(row('cookie.partitioned')).toContain('*Planned.*');
    expect(row('routes[].identityHeaders')).toContain('*Planned.*');
    expect(row('session.store')).toContain('planned: `redis` `auto`');
  });

  it('is up to date', async () => {
    const file = join(root, 'docs/configuration.md');
    expect(readFileSync(file, 'utf8')).toBe(await format(page, { ...(await resolveConfig(file)), filepath: file }));
  });
});

/** The page shows plain keys before sections; inside a section both keep the order of the tree. */
function byPageOrder(rows: readonly string[]): (one: string, other: string) => number {
  const at = (path: string): number => rows.findIndex((row) => row.startsWith(`| \`${path}\``));
  return (one, other) => at(one) - at(other);
}

describe('docs/configuration.schema.json', () => {
  const schema = configurationSchema() as Schema;

  it('knows every key, the files of secrets too, and no other', () => {
    const expected = leaves(Config).flatMap((path) =>
      /(?:[sS]ecret|password|token)$/.test(path) && !/(?:routes|endpoints).*token/.test(path) ? [path, `${path}File`] : [path],
    );
    expect([...schemaLeaves(schema)].sort()).toEqual([...expected].sort());
    expect(schema.additionalProperties).toBe(false);
  });

  it('gives defaults as they are written, and no value that is refused', () => {
    expect(schema.properties?.['session']?.properties?.['idle']).toMatchObject({ type: 'string', default: '30m' });
    expect(schema.properties?.['session']?.properties?.['store']?.enum).toEqual(['cookie']);
    expect(schema.properties?.['listen']?.properties?.['port']).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 65_535,
      default: 8080,
    });
    expect(schema.properties?.['tracing']?.description).toMatch(/^Planned/);
  });

  it('is up to date', async () => {
    const file = join(root, 'docs/configuration.schema.json');
    expect(readFileSync(file, 'utf8')).toBe(await format(JSON.stringify(schema), { ...(await resolveConfig(file)), filepath: file }));
  });
});

describe('the variables', () => {
  it('are each a key of ours, and no two the same', () => {
    const names = envNames(Config);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => resolveName(Config, name.replace('CLOAKROOM_', '').replaceAll('<n>', '12')) === undefined)).toEqual([]);
    expect(names).toContain('CLOAKROOM_COOKIE_KEYS_<n>_SECRET_FILE');
    expect(names).toContain('CLOAKROOM_PROVIDER_CLIENT_ID');
  });
});
