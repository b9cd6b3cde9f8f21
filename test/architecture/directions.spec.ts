import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { cruise } from './cruise.ts';

const uses = (...modules: readonly string[]): string => modules.map((name) => `import '${name}';\n`).join('');
const library = (name: string): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'main.js' }),
  [`node_modules/${name}/main.js`]: 'module.exports = {};\n',
});

/** A house that breaks one rule per file, and keeps to them in proxy/allowed.ts, session/allowed.ts and cookie/cookie-codec.ts. */
const BROKEN_HOUSE: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: 'broken-house',
    type: 'module',
    dependencies: { 'iron-session': '1', undici: '1', '@nestjs/common': '1', 'left-pad': '1' },
    devDependencies: { 'http-proxy': '1' },
  }),
  ...library('iron-session'),
  ...library('undici'),
  ...library('@nestjs/common'),
  ...library('left-pad'),
  ...library('http-proxy'),
  'src/kernel/clock.ts': `export type Clock = number;\n${uses('../session/session.ts')}`,
  'src/session/session.ts': uses('../cookie/cookie-codec.ts'),
  'src/session/allowed.ts': uses('../cookie/cookie-codec.ts', './session.ts'),
  'src/session/types-count.ts': `import type { Tokens } from '../tokens/tokens.ts';\nexport type X = Tokens;\n`,
  'src/tokens/tokens.ts': `export type Tokens = number;\n${uses('../session/session.ts')}`,
  'src/cookie/cookie-codec.ts': uses('iron-session'),
  'src/session/seals-itself.ts': uses('iron-session'),
  'src/oidc/calls-itself.ts': uses('undici'),
  'src/tokens/knows-nest.ts': uses('@nestjs/common'),
  'src/tokens/tokens.module.ts': uses('@nestjs/common'),
  'src/auth/login.ts': uses('../session/session.ts'),
  'src/proxy/allowed.ts': uses('../session/session.ts', '../tokens/tokens.ts', '../cookie/cookie-codec.ts'),
  'src/proxy/meets-auth.ts': uses('../auth/login.ts'),
  'src/auth/meets-proxy.ts': uses('../proxy/allowed.ts'),
  'src/spa/sees-session.ts': uses('../session/session.ts'),
  'src/ops/unlisted.ts': uses('left-pad'),
  'src/ops/baseline.ts': uses('http-proxy'),
  'src/ops/tries-the-demo.ts': uses('../../demo/provider.ts'),
  'demo/provider.ts': 'export const port = 3001;\n',
  'src/csrf/one.ts': uses('./two.ts'),
  'src/csrf/two.ts': uses('./one.ts'),
  'src/access/index.ts': uses('./access-policy.ts'),
  'src/access/access-policy.ts': 'export const allow = true;\n',
  'src/access/uses-barrel.ts': uses('./index.ts'),
  'src/access/alone.ts': 'export const nobody = true;\n',
  'src/cellar/wine.ts': uses('../session/session.ts'),
  'src/app.ts': uses('./proxy/allowed.ts', './auth/login.ts'),
  'src/session/knows-the-wiring.ts': uses('../app.ts'),
};

const EXPECTED = [
  'directions-kernel: src/kernel/clock.ts → src/session/session.ts',
  'directions-session: src/session/types-count.ts → src/tokens/tokens.ts',
  'directions-session: src/session/knows-the-wiring.ts → src/app.ts',
  'library-iron-session: src/session/seals-itself.ts → node_modules/iron-session/main.js',
  'library-undici: src/oidc/calls-itself.ts → node_modules/undici/main.js',
  'library-nestjs: src/tokens/knows-nest.ts → node_modules/@nestjs/common/main.js',
  'directions-proxy: src/proxy/meets-auth.ts → src/auth/login.ts',
  'directions-auth: src/auth/meets-proxy.ts → src/proxy/allowed.ts',
  'proxy-and-auth-never-meet: src/proxy/meets-auth.ts → src/auth/login.ts',
  'proxy-and-auth-never-meet: src/auth/meets-proxy.ts → src/proxy/allowed.ts',
  'directions-spa: src/spa/sees-session.ts → src/session/session.ts',
  'libraries-are-listed: src/ops/unlisted.ts → node_modules/left-pad/main.js',
  'libraries-are-listed: src/ops/baseline.ts → node_modules/http-proxy/main.js',
  'libraries-are-installed: src/ops/baseline.ts → node_modules/http-proxy/main.js',
  'src-stands-alone: src/ops/tries-the-demo.ts → demo/provider.ts',
  'no-cycles: src/csrf/one.ts → src/csrf/two.ts',
  'no-barrels: src/access/uses-barrel.ts → src/access/index.ts',
  'no-orphans: src/access/alone.ts → src/access/alone.ts',
  'every-room-has-a-direction: src/cellar/wine.ts → src/session/session.ts',
];

async function build(house: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cloakroom-house-'));
  for (const [path, text] of Object.entries(house)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

describe('directions of the house', () => {
  it('are kept by every file of src', async () => {
    const { violations, modules } = await cruise();
    expect(violations).toEqual([]);
    expect(modules).toBeGreaterThan(20);
  });
});

describe('each rule of the house', () => {
  let folder = '';
  let violations: readonly string[] = [];

  beforeAll(async () => {
    folder = await build(BROKEN_HOUSE);
    ({ violations } = await cruise(folder));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(EXPECTED)('catches %s', (violation) => {
    expect(violations).toContain(violation);
  });

  it('says nothing about a file that keeps to it', () => {
    expect(violations.filter((violation) => !EXPECTED.includes(violation))).toEqual([]);
  });
});
