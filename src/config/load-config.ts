import { Config } from './config.ts';
import type { ConfigProblem } from './constraints.ts';
import { violations } from './constraints.ts';
import type { Environment } from './env-overlay.ts';
import { overlayEnvironment } from './env-overlay.ts';
import { touches } from './option-path.ts';
import { withPreset } from './provider-presets.ts';
import { unusableTlsFiles } from './unusable-tls-files.ts';
import { brokenRules, warningsOf } from './rules.ts';
import type { ReadFile } from './section-builder.ts';
import { SectionBuilder } from './section-builder.ts';
import { parseYaml } from './yaml-text.ts';

export interface ConfigSources {
  /** Name of the YAML file; without it only the environment counts. */
  readonly file?: string;
  readonly env: Environment;
  readonly readFile: ReadFile;
}

export type LoadedConfig =
  | { readonly kind: 'ok'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] };

/** The path of a problem that lies at no key, where there is no file to name. */
const WHOLE = 'configuration';

/**
 * Reads the configuration: defaults < preset < YAML < environment; a secret comes from its key or from the file its `…File` names,
 * never both. Gives every problem at once, by path and without any given value.
 */
export function loadConfig({ file, env, readFile }: ConfigSources): LoadedConfig {
  const parsed = file === undefined ? { kind: 'ok' as const, value: new Map() } : readYaml(file, readFile);
  if (parsed.kind === 'invalid') return { kind: 'invalid', problems: [{ path: file ?? WHOLE, message: parsed.message }] };
  const { root, warnings } = overlayEnvironment(parsed.value, Config, env);
  if (!(root instanceof Map)) return { kind: 'invalid', problems: [{ path: file ?? WHOLE, message: 'must be a map of keys' }] };
  const builder = new SectionBuilder(readFile);
  const config = builder.build(Config, withPreset(root));
  const problems = withRules(config, builder.problems, readFile).map((it) => (it.path === '' ? { ...it, path: file ?? WHOLE } : it));
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', config, warnings: [...warnings, ...warningsOf(config)] };
}

/** Adds what limits and rules find, except about values that could not be read at all. */
function withRules(config: Config, unread: readonly ConfigProblem[], readFile: ReadFile): readonly ConfigProblem[] {
  const limits = violations(config).filter(({ path }) => !unread.some((problem) => touches(problem.path, path)));
  const known = [...unread, ...limits];
  return [...known, ...brokenRules(config, known), ...unusableTlsFiles(config, unread, readFile)];
}

function readYaml(file: string, readFile: ReadFile): ReturnType<typeof parseYaml> {
  let text: string;
  try {
    text = readFile(file);
  } catch {
    // The reason would quote the path once more; that it cannot be read is all that helps.
    return { kind: 'invalid', message: 'cannot be read' };
  }
  const parsed = parseYaml(text);
  return parsed.kind === 'ok' && parsed.value === null ? { kind: 'ok', value: new Map() } : parsed;
}
