import type { JsonSchema, OptionType } from './option-type.ts';

const OPTIONS = Symbol('options');

export type SectionClass<T extends object = object> = new () => T;

interface Described {
  /** One or two sentences for docs/configuration.md and the editor. */
  readonly doc: string;
  /** The default in words, where it is not simply the property's initial value. */
  readonly defaultWords?: string;
  /** Must be given (by any source). */
  readonly required?: true;
  /** Documented but not built yet: `true` = every value but the default is refused; a list = those values are refused. */
  readonly planned?: true | readonly unknown[];
}

export interface ValueOption<T = unknown> extends Described {
  readonly type: OptionType<T>;
  /** The default where it follows from the other values of the section. */
  readonly derive?: (section: never) => T | undefined;
}

export interface SectionOption<T extends object = object> extends Described {
  readonly section: SectionClass<T>;
}

export interface ListOption<T extends object = object> extends Described {
  readonly listOf: SectionClass<T>;
  /** The whole list as one environment variable: how it is read into what YAML would give, and an example for who got it wrong. */
  readonly shortForm?: { readonly read: (text: string) => unknown; readonly example: string };
}

export type OptionSpec = ValueOption | SectionOption | ListOption;

/** What a limit (constraints.ts) adds to an option's schema and description. */
export interface Limit {
  readonly schema?: JsonSchema;
  readonly words?: string;
}

export interface OptionRecord {
  readonly key: string;
  readonly spec: OptionSpec;
  readonly limits: readonly Limit[];
}

interface Draft {
  spec?: OptionSpec;
  readonly limits: Limit[];
}

interface WithOptions {
  [OPTIONS]?: Map<string, Draft>;
}

// The metadata lives on the section class itself, in the order of its properties.
function draftOf(prototype: object, key: string): Draft {
  const owner = prototype.constructor as WithOptions;
  const drafts = owner[OPTIONS] ?? new Map<string, Draft>();
  owner[OPTIONS] = drafts;
  const draft: Draft = drafts.get(key) ?? { limits: [] };
  drafts.set(key, draft);
  return draft;
}

type Marks<T> = <K extends string>(prototype: Readonly<Partial<Record<K, T>>>, key: K) => void;

/** Makes a property of a section class a configuration key: the one source of its parsing, environment name, default and docs. */
export function Option<T>(spec: ValueOption<T>): Marks<T>;
export function Option<T extends object>(spec: SectionOption<T>): Marks<T>;
export function Option<T extends object>(spec: ListOption<T>): Marks<readonly T[]>;
export function Option(spec: unknown) {
  return (prototype: object, key: string): void => {
    draftOf(prototype, key).spec = spec as OptionSpec;
  };
}

/** Records a limit for the docs and the schema; constraints.ts calls it beside the class-validator decorator. */
export function recordLimit(prototype: object, key: string, limit: Limit): void {
  draftOf(prototype, key).limits.push(limit);
}

/** The keys of a section class, in the order they are written there. */
export function optionsOf(owner: SectionClass): readonly OptionRecord[] {
  const drafts = [...((owner as WithOptions)[OPTIONS] ?? new Map<string, Draft>()).entries()];
  return drafts.flatMap(([key, { spec, limits }]) => (spec === undefined ? [] : [{ key, spec, limits }]));
}
