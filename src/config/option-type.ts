export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'refused'; readonly message: string };
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How one kind of value is read, printed and described. A message never holds the given value: it may be a secret. */
export interface OptionType<T> {
  /** For docs/configuration.md, such as `duration` or `text`. */
  readonly words: string;
  /** JSON Schema of the value as it is written in YAML. */
  readonly schema: JsonSchema;
  /** Reads a value as the YAML parser gives it (maps as `Map`). */
  parse(raw: unknown): Parsed<T>;
  /** An environment variable's text as the value YAML would give; stays text when it cannot be one, for `parse` to refuse. */
  fromText(text: string): unknown;
  /** The value as it is written in YAML; secrets masked. */
  print(value: T): unknown;
  /** `secret`: also exists as `…File`. `file`: must be readable when the configuration is loaded. */
  readonly source?: 'secret' | 'file';
  /** Secrets: where it came from a file, the section also has that file's name as `…File`, as it is read again while we run. */
  readonly keepsFile?: boolean;
  /** Directories: a file that must be readable inside when the configuration is loaded. */
  readonly holds?: string;
  /** How an `undefined` value is written, where it can be. */
  readonly absent?: 'off';
  /** Lists: the type of one entry, which has an environment variable of its own. */
  readonly item?: OptionType<unknown>;
}

export const ok = <T>(value: T): Parsed<T> => ({ kind: 'ok', value });
export const refused = (message: string): { kind: 'refused'; message: string } => ({ kind: 'refused', message });
