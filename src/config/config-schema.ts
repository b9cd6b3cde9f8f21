import { Config } from './config.ts';
import { isSecret } from './env-names.ts';
import type { JsonSchema } from './option-type.ts';
import type { OptionRecord, SectionClass, ValueOption } from './option.ts';
import { optionsOf } from './option.ts';

/**
 * JSON Schema (draft 2020-12) of the YAML file, for editors. It demands no key, as each may come from the environment,
 * and knows single values only: what `cloakroom check` finds is more.
 */
export function configurationSchema(): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Cloakroom configuration', ...sectionSchema(Config) };
}

function sectionSchema(owner: SectionClass): JsonSchema {
  const defaults = new owner();
  const properties = optionsOf(owner).flatMap((record) => {
    const schema = optionSchema(record, Reflect.get(defaults, record.key));
    const file = { type: 'string', minLength: 1, description: `File that holds ${record.key}.` };
    return isSecret(record) ? [[record.key, schema] as const, [`${record.key}File`, file] as const] : [[record.key, schema] as const];
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}

function optionSchema(record: OptionRecord, initial: unknown): JsonSchema {
  const { spec } = record;
  const description = spec.planned === true ? `Planned, not available in this version. ${spec.doc}` : spec.doc;
  if ('section' in spec) return { description, ...sectionSchema(spec.section) };
  if ('listOf' in spec) return { description, type: 'array', items: sectionSchema(spec.listOf) };
  return { description, ...valueSchema(spec, record), ...defaultSchema(spec, initial) };
}

function valueSchema(spec: ValueOption, { limits }: OptionRecord): JsonSchema {
  const { schema } = spec.type;
  const { planned } = spec;
  const usable =
    Array.isArray(planned) && Array.isArray(schema['enum']) ? { enum: schema['enum'].filter((it) => !planned.includes(it)) } : {};
  return Object.assign({}, schema, usable, ...limits.map((limit) => limit.schema ?? {})) as JsonSchema;
}

function defaultSchema(spec: ValueOption, initial: unknown): JsonSchema {
  if (spec.required === true || spec.defaultWords !== undefined) return {};
  if (initial === undefined) return spec.type.absent === undefined ? {} : { default: spec.type.absent };
  return { default: spec.type.print(initial) };
}
