import { fromJson } from './collection-types.ts';
import type { OptionPath } from './option-path.ts';
import { screamingSnake } from './option-path.ts';
import type { OptionRecord, SectionClass } from './option.ts';
import { optionsOf } from './option.ts';

export const PREFIX = 'CLOAKROOM_';
const INDEX = /^(0|[1-9]\d{0,2})(?:_(.+))?$/;

/** What an environment variable stands for, and how its text becomes the value that YAML would give. */
export interface EnvTarget {
  readonly path: OptionPath;
  readonly fromText: (text: string) => unknown;
}

const asText = (text: string): unknown => text;

/** The key that `CLOAKROOM_…` (given without the prefix) names below a section, if any. */
export function resolveName(owner: SectionClass, name: string): EnvTarget | undefined {
  for (const record of optionsOf(owner)) {
    const target = resolveOption(record, name);
    if (target !== undefined) return { path: [record.key, ...target.path], fromText: target.fromText };
    if (isSecret(record) && name === screamingSnake(`${record.key}File`)) return { path: [`${record.key}File`], fromText: asText };
  }
  return undefined;
}

/** Whether the option also exists as `…File`. */
export const isSecret = ({ spec }: OptionRecord): boolean => 'type' in spec && spec.type.source === 'secret';

function resolveOption({ key, spec }: OptionRecord, name: string): EnvTarget | undefined {
  const own = screamingSnake(key);
  if (name === own) {
    if ('type' in spec) return { path: [], fromText: (text) => spec.type.fromText(text) };
    return 'listOf' in spec ? { path: [], fromText: spec.shortForm?.read ?? fromJson } : undefined;
  }
  if (!name.startsWith(`${own}_`)) return undefined;
  const rest = name.slice(own.length + 1);
  return 'section' in spec ? resolveName(spec.section, rest) : resolveEntry(spec, rest);
}

function resolveEntry(spec: Exclude<OptionRecord['spec'], { section: unknown }>, rest: string): EnvTarget | undefined {
  const [, index, inner] = INDEX.exec(rest) ?? [];
  if (index === undefined) return undefined;
  if ('listOf' in spec) {
    const target = inner === undefined ? undefined : resolveName(spec.listOf, inner);
    return target && { path: [Number(index), ...target.path], fromText: target.fromText };
  }
  const { item } = spec.type;
  return item === undefined || inner !== undefined ? undefined : { path: [Number(index)], fromText: (text) => item.fromText(text) };
}

/** Every variable below a section, `<n>` standing for a list index. */
export function envNames(owner: SectionClass, prefix = PREFIX): readonly string[] {
  return optionsOf(owner).flatMap((record) => {
    const name = prefix + screamingSnake(record.key);
    if ('section' in record.spec) return envNames(record.spec.section, `${name}_`);
    if ('listOf' in record.spec) return [name, ...envNames(record.spec.listOf, `${name}_<n>_`)];
    return isSecret(record) ? [name, `${name}_FILE`] : [name];
  });
}

/**
 * Variables that Kubernetes puts into every container for a service whose name begins with `cloakroom`
 * (`CLOAKROOM_PORT=tcp://…`, `CLOAKROOM_SERVICE_HOST`, `CLOAKROOM_LISTEN_PORT_8080_TCP_ADDR`): not meant for us.
 */
export function isServiceLink(name: string, value: string): boolean {
  if (/_PORT(?:_\d+_(?:TCP|UDP|SCTP))?$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value)) return true;
  return /_PORT_\d+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)$/.test(name) || /(?:^|_)SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/.test(name);
}
