import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { dumpConfig } from './config/dump-config.ts';
import type { Environment } from './config/env-overlay.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { loadConfig } from './config/load-config.ts';

const USAGE = `Usage: cloakroom <command> [--config FILE]

Commands:
  serve    run the proxy until it is told to stop
  check    print the configuration in effect, secrets masked, or everything that is wrong with it
  keygen   print a new cookie key

Options:
  --config FILE   the YAML file (default: cloakroom.yaml if there is one, else the environment alone)
  --help          show this
  --version       show the version
`;

// Exit codes of sysexits.h.
const EX_USAGE = 64;
const EX_CONFIG = 78;
const DEFAULT_FILE = 'cloakroom.yaml';
const KEY_BYTES = 48;

type Call =
  | { readonly kind: 'help' | 'version' | 'keygen' }
  | { readonly kind: 'serve' | 'check'; readonly file: string | undefined }
  | { readonly kind: 'usage' };

/** Runs one command line and sets the exit code; `serve` comes back only when the proxy has stopped. */
export async function runCommand(words: readonly string[], env: Environment): Promise<void> {
  const call = readCall(words);
  switch (call.kind) {
    case 'help':
      print(USAGE);
      break;
    case 'version':
      print(`${version()}\n`);
      break;
    case 'keygen':
      print(`${randomBytes(KEY_BYTES).toString('base64url')}\n`);
      break;
    case 'check':
      check(load(call.file, env));
      break;
    case 'serve':
      await serve(load(call.file, env));
      break;
    case 'usage':
      complain(USAGE, EX_USAGE);
  }
}

function readCall(words: readonly string[]): Call {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { config: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (values.help === true) return { kind: 'help' };
    if (values.version === true) return { kind: 'version' };
    const [command, ...rest] = positionals;
    if (rest.length > 0) return { kind: 'usage' };
    if (command === 'serve' || command === 'check') return { kind: command, file: values.config };
    return command === 'keygen' && values.config === undefined ? { kind: 'keygen' } : { kind: 'usage' };
  } catch {
    // parseArgs throws for an unknown flag or a flag without its value; the usage says what there is.
    return { kind: 'usage' };
  }
}

function check(loaded: LoadedConfig): void {
  if (loaded.kind === 'invalid') return;
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);
  print(dumpConfig(loaded.config));
}

async function serve(loaded: LoadedConfig): Promise<void> {
  if (loaded.kind === 'invalid') return;
  const main = await import('./main.ts');
  await main.serve(loaded.config, loaded.warnings);
}

function load(given: string | undefined, env: Environment): LoadedConfig {
  const file = given ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const readFile = (name: string): string => readFileSync(name, 'utf8');
  const loaded = loadConfig({ ...(file !== undefined && { file }), env, readFile });
  if (loaded.kind === 'invalid') complain(loaded.problems.map(({ path, message }) => `${path}: ${message}\n`).join(''), EX_CONFIG);
  return loaded;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

function print(text: string): void {
  process.stdout.write(text);
}

function complain(text: string, exitCode: number): void {
  process.stderr.write(text);
  process.exitCode = exitCode;
}
