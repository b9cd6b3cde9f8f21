import { loadConfig } from '../../../src/config/load-config.ts';
import type { Config } from '../../../src/config/config.ts';
import { loopbackCertificate } from '../../support/loopback-certificate.ts';

export const KEY = '9Qz0vGm3cJ5rT8wXbNa2LkHdUeYf7PsB1oViC6jM4gAqZxWRtEyKlSnDuOpIhF3v';

/** A small good configuration; a test adds lines, or replaces a section by naming it again in `sections`. */
const GOOD: Readonly<Record<string, string>> = {
  publicUrl: 'https://app.example.com',
  provider: '{ issuer: https://id.example.com, clientId: app, clientSecret: sesame }',
  cookie: `{ keys: [{ id: 1, secret: ${KEY} }] }`,
  routes: '[{ path: /api, upstream: http://api:8080 }]',
};

export const yamlOf = (sections: Readonly<Record<string, string>> = {}): string =>
  Object.entries({ ...GOOD, ...sections })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');

/** Files that are there unless a test says otherwise. */
const PAGE: Readonly<Record<string, string>> = { 'dist/index.html': '<!doctype html>' };

const client = loopbackCertificate(Date.now());

/** A client certificate and its key, for a test that wants them. */
export const TLS_FILES: Readonly<Record<string, string>> = { '/tls/client.pem': client.cert, '/tls/client.key': client.key };

export interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly files?: Readonly<Record<string, string>>;
}

export function load({ yaml, env = {}, files = {} }: Given): ReturnType<typeof loadConfig> {
  const all: Readonly<Record<string, string>> = { ...PAGE, ...files, ...(yaml !== undefined && { 'cloakroom.yaml': yaml }) };
  const readFile = (name: string): string => {
    const content = Object.hasOwn(all, name) ? all[name] : undefined;
    if (content === undefined) throw new Error(`ENOENT: ${name}`);
    return content;
  };
  return loadConfig({ ...(yaml !== undefined && { file: 'cloakroom.yaml' }), env, readFile });
}

/** The configuration, or a failed test that names the problems. */
export function config(given: Given): Config {
  const loaded = load(given);
  if (loaded.kind === 'invalid') throw new Error(problems(given).join('\n'));
  return loaded.config;
}

/** `path: message` of each problem; empty when there is none. */
export function problems(given: Given): readonly string[] {
  const loaded = load(given);
  return loaded.kind === 'ok' ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
}

export const pathsOf = (given: Given): readonly string[] => problems(given).map((line) => line.slice(0, line.indexOf(': ')));

export function warnings(given: Given): readonly string[] {
  const loaded = load(given);
  return loaded.kind === 'ok' ? loaded.warnings : [];
}
