import { Config } from './config.ts';
import type { OptionSpec, SectionClass } from './option.ts';
import { optionsOf } from './option.ts';
import { printYaml } from './yaml-text.ts';

/** The configuration in effect as YAML: every key that is built, durations and sizes with their units, each secret as "[secret]". */
export function dumpConfig(config: Config): string {
  return printYaml(plainSection(Config, config));
}

function plainSection(owner: SectionClass, section: object): Record<string, unknown> {
  const entries = optionsOf(owner)
    .filter(({ spec }) => spec.planned !== true)
    .map(({ key, spec }) => [key, plainValue(spec, Reflect.get(section, key))] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** A section of which nothing is built or given yet is left out. */
function plainInner(owner: SectionClass, section: object): Record<string, unknown> | undefined {
  const plain = plainSection(owner, section);
  return Object.keys(plain).length === 0 ? undefined : plain;
}

function plainValue(spec: OptionSpec, value: unknown): unknown {
  if ('type' in spec) return value === undefined ? spec.type.absent : spec.type.print(value);
  if (value === undefined) return undefined;
  if ('section' in spec) return plainInner(spec.section, value as object);
  return (value as readonly object[]).map((entry) => plainSection(spec.listOf, entry));
}
