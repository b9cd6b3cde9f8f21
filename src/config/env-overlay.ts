import type { EnvTarget } from './env-names.ts';
import { PREFIX, envNames, isServiceLink, resolveName } from './env-names.ts';
import { nearestName } from './nearest-name.ts';
import type { OptionPath } from './option-path.ts';
import type { SectionClass } from './option.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Overlaid {
  readonly root: unknown;
  /** About variables that mean nothing here. */
  readonly warnings: readonly string[];
}

/** Lays the environment over a parsed file, which stays as it is. */
export function overlayEnvironment(file: unknown, owner: SectionClass, env: Environment): Overlaid {
  const warnings: string[] = [];
  const found: (EnvTarget & { readonly text: string })[] = [];
  for (const [name, text] of ours(env)) {
    if (isServiceLink(name.slice(PREFIX.length - 1), text)) continue;
    const target = resolveName(owner, name.slice(PREFIX.length));
    if (target === undefined) warnings.push(unknownVariable(name, envNames(owner)));
    else found.push({ ...target, text });
  }
  // A whole list first, then the variables that change single entries of it.
  found.sort((one, other) => one.path.length - other.path.length);
  return { root: found.reduce((root, { path, fromText, text }) => withValue(root, path, fromText(text)), file), warnings };
}

const ours = (env: Environment): readonly [string, string][] =>
  Object.entries(env).filter((it): it is [string, string] => it[0].startsWith(PREFIX) && it[1] !== undefined && it[1] !== '');

function unknownVariable(name: string, known: readonly string[]): string {
  const shown = /^\w{1,100}$/.test(name) ? name : `a variable that begins with ${PREFIX}`;
  const nearest = nearestName(
    name.slice(PREFIX.length).replaceAll(/_\d+(?=_|$)/g, '_<n>'),
    known.map((it) => it.slice(PREFIX.length)),
  );
  return `${shown} is not a variable of ours and is ignored${nearest === undefined ? '' : `; did you mean ${PREFIX}${nearest}?`}`;
}

/** A copy with the value where the path says. Where the file has something else than a map or list on the way, its mistake stays. */
function withValue(container: unknown, [step, ...rest]: OptionPath, value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === 'number') {
    if (container !== undefined && !Array.isArray(container)) return container;
    const list: unknown[] = [...((container as unknown[] | undefined) ?? [])];
    list[step] = withValue(list[step], rest, value);
    return list;
  }
  if (container !== undefined && !(container instanceof Map)) return container;
  const map = new Map<unknown, unknown>(container);
  return map.set(step, withValue(map.get(step), rest, value));
}
