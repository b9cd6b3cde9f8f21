import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { dumpConfig } from '../../../src/config/dump-config.ts';
import { KEY, config, load, problems, yamlOf } from './sample.ts';

const CANARY = 'cAnArY7Qz0vGm3cJ5rT8wXbNa2LkHdUeYf7PsB1oViC6jM4gAqZ';

// The canary stands wherever somebody may put a secret, by right or by mistake.
const MISPLACED: readonly (readonly [string, Record<string, string>])[] = [
  ['a secret file name', { provider: `{ issuer: https://id.example.com, clientId: app, clientSecretFile: ${CANARY} }` }],
  [
    'both secret and file',
    { provider: `{ issuer: https://id.example.com, clientId: app, clientSecret: ${CANARY}, clientSecretFile: ${CANARY} }` },
  ],
  ['a list for a secret', { provider: `{ issuer: https://id.example.com, clientId: app, clientSecret: [${CANARY}] }` }],
  ['an issuer with credentials', { provider: `{ issuer: "https://me:${CANARY}@id.example.com", clientId: app, clientSecret: x }` }],
  ['a public URL with credentials', { publicUrl: `https://me:${CANARY}@app.example.com` }],
  ['an upstream with credentials', { routes: `[{ path: /api, upstream: "http://me:${CANARY}@api" }]` }],
  [
    'a proxy with credentials',
    { provider: `{ issuer: https://id.example.com, clientId: app, clientSecret: x, proxy: "http://me:${CANARY}@proxy" }` },
  ],
  ['a key as its id', { cookie: `{ keys: [{ id: ${CANARY}, secret: ${KEY} }] }` }],
  ['a weak key', { cookie: `{ keys: [{ id: 1, secret: ${CANARY.slice(0, 20)} }] }` }],
  ['a placeholder', { cookie: `{ keys: [{ id: 1, secret: changeme${CANARY} }] }` }],
  ['a key for the list of keys', { cookie: `{ keys: ${CANARY} }` }],
  ['a key for the section', { cookie: CANARY }],
  ['a word for a duration', { session: `{ idle: ${CANARY} }` }],
  ['a method', { routes: `[{ path: /api, upstream: http://api, methods: [${CANARY}] }]` }],
  ['a cookie', { routes: `[{ path: /api, upstream: http://api, cookies: ["=${CANARY}"] }]` }],
  ['redis', { redis: `{ url: "redis://:${CANARY}@redis" }` }],
  ['broken YAML', { session: `{ idle: "${CANARY}` }],
  ['the same key twice', { session: `{ idle: ${CANARY}, idle: ${CANARY} }` }],
  ['an unknown tag', { session: `!!${CANARY} ${CANARY}` }],
  ['an alias', { session: `*${CANARY}` }],
];

describe('secrets', () => {
  it.each(MISPLACED)('are in no problem: %s', (_, sections) => {
    const found = problems({ yaml: yamlOf(sections) });
    expect(found).not.toEqual([]);
    expect(found.join('\n')).not.toContain(CANARY.slice(0, 12));
  });

  it('are in no problem and no warning of the environment', () => {
    const names = [
      'COOKIE_KEYS_0_ID',
      'ROUTES',
      'PROVIDER_AUTHORIZE_PARAMS',
      'SESSION_IDLE',
      'LISTEN_PORT',
      'NOTHING_OF_OURS',
      'PROVIDER_ISSUER',
      'PUBLIC_URL',
    ];
    const env = Object.fromEntries(names.map((name) => [`CLOAKROOM_${name}`, CANARY]));
    const found = problems({ yaml: yamlOf(), env });
    expect(found).toHaveLength(7);
    expect(found.join('\n')).not.toContain(CANARY);
    const loaded = load({ yaml: yamlOf(), env: { CLOAKROOM_NOTHING_OF_OURS: CANARY } });
    expect(loaded.kind === 'ok' && loaded.warnings).toHaveLength(1);
    expect(JSON.stringify(loaded)).not.toContain(CANARY);
  });

  it('are in no dump, JSON or inspection of the configuration', () => {
    const yaml = yamlOf({
      provider: '{ issuer: https://id.example.com, clientId: app, clientSecretFile: /s }',
      cookie: `{ keys: [{ id: 1, secret: ${CANARY} }, { id: 2, secretFile: /s }], activeKey: 2 }`,
    });
    const made = config({ yaml, files: { '/s': `${CANARY}2\n` } });
    expect(made.provider.clientSecret?.reveal()).toContain(CANARY);
    const shown = [dumpConfig(made), JSON.stringify(made), inspect(made, { depth: null, showHidden: true })];
    expect(shown.filter((it) => it.includes(CANARY))).toEqual([]);
    expect(dumpConfig(made).match(/"\[secret\]"/g)).toHaveLength(3);
  });
});

describe('extra parameters of the code exchange', () => {
  it('may hold a secret, so the dump shows their names only', () => {
    const made = config({
      yaml: yamlOf({
        provider: `{ issuer: https://id.example.com, clientId: app, clientSecret: s, tokenParams: { assertion: ${CANARY} } }`,
      }),
    });
    expect(made.provider.tokenParams).toEqual({ assertion: CANARY });
    expect(dumpConfig(made)).not.toContain(CANARY);
    expect(dumpConfig(made)).toContain('assertion: "[secret]"');
  });
});

describe('the dump', () => {
  it('reads back as the same configuration', () => {
    const yaml = yamlOf({
      session: '{ idle: 90s, absolute: 36h }',
      refresh: '{ scope: [a, b] }',
      access: '{ allow: [{ claim: level, anyOf: [1, true, x] }] }',
      routes:
        '[{ path: /api, upstream: "https://api:8443/v1/", token: none, csrf: off, maxBody: 100MiB }, { path: /b, upstream: http://b }]',
      spa: '{ directory: ./dist }',
    });
    const made = config({ yaml });
    const dump = dumpConfig(made);
    const again = config({ yaml: dump.replace('"[secret]"', 'sesame').replace('"[secret]"', KEY) });
    expect(again).toEqual(made);
  });

  it('has units and words instead of numbers', () => {
    const dump = dumpConfig(config({ yaml: yamlOf({ session: '{ idle: 90s }' }) }));
    expect(dump).toContain('\n  idle: 90s\n');
    expect(dump).toContain('\n  idleStep: 9s\n');
    expect(dump).toContain('\n  budget: 6KiB\n');
    expect(dump).toContain('\n    maxBody: off\n');
    expect(dump).toContain('\n    csrf: on\n');
  });

  it('leaves out what is not built', () => {
    expect(dumpConfig(config({ yaml: yamlOf() }))).not.toMatch(/frontChannel|partitioned|identityHeaders/);
  });
});
