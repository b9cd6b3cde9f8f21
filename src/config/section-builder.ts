import { join } from 'node:path';
import type { ConfigProblem } from './constraints.ts';
import { isSecret } from './env-names.ts';
import { nearestName } from './nearest-name.ts';
import type { OptionPath } from './option-path.ts';
import { printPath } from './option-path.ts';
import type { Parsed } from './option-type.ts';
import type { ListOption, OptionRecord, OptionSpec, SectionClass, SectionOption, ValueOption } from './option.ts';
import { optionsOf } from './option.ts';

/** Gives a file's text; throws when it cannot be read. */
export type ReadFile = (name: string) => string;

const NOT_AVAILABLE = 'not available in this version';
const MUST_BE_LIST = 'must be a list';
const MUST_BE_MAP = 'must be a map of keys';
const NULL = 'must not be empty (leave the key out for its default)';

/** Turns what YAML and the environment gave into sections with their defaults, and collects everything that is wrong on the way. */
export class SectionBuilder {
  readonly problems: ConfigProblem[] = [];
  readonly #readFile: ReadFile;

  constructor(readFile: ReadFile) {
    this.#readFile = readFile;
  }

  /** Always gives a section: where a value is refused its default stays, and `problems` says so. Absent values are no properties. */
  build<T extends object>(owner: SectionClass<T>, raw: unknown, path: OptionPath = []): T {
    if (!(raw instanceof Map)) {
      this.#refuse(path, raw === null ? NULL : MUST_BE_MAP);
      return new owner();
    }
    const records = optionsOf(owner);
    this.#refuseUnknown(raw, records, path);
    const initials = new owner();
    const section = Object.create(owner.prototype as object) as T;
    for (const record of records) {
      const initial: unknown = Reflect.get(initials, record.key);
      setDefined(section, record.key, this.#read(record, raw, path, initial) ?? initial);
      if (keepsFile(record)) setDefined(section, `${record.key}File`, raw.get(`${record.key}File`));
    }
    for (const { key, spec } of records) {
      if ('type' in spec && spec.derive !== undefined && !raw.has(key)) setDefined(section, key, spec.derive(section as never));
    }
    return section;
  }

  #refuse(path: OptionPath, message: string): unknown {
    this.problems.push({ path: printPath(path), message });
    return undefined;
  }

  #refuseUnknown(raw: ReadonlyMap<unknown, unknown>, records: readonly OptionRecord[], path: OptionPath): void {
    const known = records.flatMap((record) => (isSecret(record) ? [record.key, `${record.key}File`] : [record.key]));
    for (const key of raw.keys()) {
      if (typeof key !== 'string') this.#refuse(path, 'keys must be text');
      else if (!known.includes(key)) this.#refuse([...path, key], unknownKey(key, known));
    }
  }

  #read(record: OptionRecord, raw: ReadonlyMap<unknown, unknown>, parent: OptionPath, initial: unknown): unknown {
    const { key, spec } = record;
    const path = [...parent, key];
    const fileKey = `${key}File`;
    if (isSecret(record) && raw.has(fileKey)) {
      if (raw.has(key)) return this.#refuse(path, `must not be given beside ${fileKey}`);
      return this.#readSecretFile(spec as ValueOption, raw.get(fileKey), [...parent, fileKey]);
    }
    if (raw.has(key)) return this.#readGiven(spec, raw.get(key), path, initial);
    // A section that is missing as a whole is read as an empty one: it then names each required key that it lacks.
    if ('section' in spec) return initial !== undefined || spec.required === true ? this.build(spec.section, new Map(), path) : undefined;
    return spec.required === true ? this.#refuseMissing(record, path) : undefined;
  }

  #refuseMissing(record: OptionRecord, path: OptionPath): unknown {
    return this.#refuse(path, isSecret(record) ? `is required (or ${record.key}File)` : 'is required');
  }

  #readGiven(spec: OptionSpec, given: unknown, path: OptionPath, initial: unknown): unknown {
    if (given === null) return this.#refuse(path, NULL);
    if (spec.planned === true && !isDefault(spec, given, initial)) return this.#refuse(path, NOT_AVAILABLE);
    if ('type' in spec) return this.#readValue(spec, given, path);
    return 'section' in spec ? this.#readSection(spec, given, path) : this.#readList(spec, given, path);
  }

  #readValue(spec: ValueOption, given: unknown, path: OptionPath): unknown {
    const parsed = spec.type.parse(given);
    if (parsed.kind === 'refused') return this.#refuse(path, parsed.message);
    if (Array.isArray(spec.planned) && spec.planned.includes(parsed.value)) return this.#refuse(path, NOT_AVAILABLE);
    if (spec.type.source === 'file') this.#readText(given, path);
    if (spec.type.holds !== undefined) this.#expectInside(String(parsed.value), spec.type.holds, path);
    return parsed.value;
  }

  #readSection(spec: SectionOption, given: unknown, path: OptionPath): unknown {
    return this.build(spec.section, given, path);
  }

  #readList(spec: ListOption, given: unknown, path: OptionPath): unknown {
    if (!Array.isArray(given))
      return this.#refuse(
        path,
        spec.shortForm === undefined ? MUST_BE_LIST : `${MUST_BE_LIST} (in the environment: ${spec.shortForm.example})`,
      );
    const hole = given.findIndex((entry) => entry === undefined);
    if (hole >= 0) return this.#refuse([...path, hole], 'is missing, though a later entry is given');
    return given.map((entry, index) => this.build(spec.listOf, entry, [...path, index]));
  }

  #readSecretFile(spec: ValueOption, name: unknown, path: OptionPath): unknown {
    if (spec.planned === true) return this.#refuse(path, NOT_AVAILABLE);
    const content = this.#readText(name, path);
    if (content === undefined) return undefined;
    const parsed: Parsed<unknown> = spec.type.parse(content.replace(/\r?\n$/, ''));
    return parsed.kind === 'ok' ? parsed.value : this.#refuse(path, 'names an empty file');
  }

  #expectInside(directory: string, holds: string, path: OptionPath): void {
    try {
      this.#readFile(join(directory, holds));
    } catch {
      // As below: neither the name nor the file system's words about it.
      this.#refuse(path, `must name a directory with a readable ${holds}`);
    }
  }

  #readText(name: unknown, path: OptionPath): string | undefined {
    if (typeof name !== 'string' || name === '') {
      this.#refuse(path, name === null ? NULL : 'must be a file name');
      return undefined;
    }
    try {
      return this.#readFile(name);
    } catch {
      // Which of the file system's reasons it was stays out: the message would quote the name, which may be a secret put into the wrong key.
      this.#refuse(path, 'names a file that cannot be read');
      return undefined;
    }
  }
}

function setDefined(section: object, key: string, value: unknown): void {
  if (value !== undefined) Reflect.set(section, key, value);
}

const keepsFile = ({ spec }: OptionRecord): boolean => 'type' in spec && spec.type.keepsFile === true;

/** A planned key may be given at its default, as a copied example does. */
function isDefault(spec: OptionSpec, given: unknown, initial: unknown): boolean {
  if (!('type' in spec) || initial === undefined) return false;
  const parsed = spec.type.parse(given);
  return parsed.kind === 'ok' && JSON.stringify(spec.type.print(parsed.value)) === JSON.stringify(spec.type.print(initial));
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  return `unknown key${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
