import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { argumentsOf, execForm, parseCopy, root, stages, type Stage } from './dockerfile.ts';

const run = promisify(execFile);
const WORKDIR = '/app';

/** The steps run with this Node, without the project's own tools and without what `npm run` tells its scripts, as in the image. */
const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|NODE_ENV$|CLOAKROOM_)/i.test(name))),
  PATH: [dirname(process.execPath), ...(process.env['PATH'] ?? '').split(delimiter)]
    .filter((folder) => !folder.includes('.bin'))
    .join(delimiter),
};

/** Enough to serve on loopback; nobody answers at the provider's port. */
const SETTINGS = {
  NODE_ENV: 'production',
  CLOAKROOM_PUBLIC_URL: 'https://app.example.com',
  CLOAKROOM_LISTEN_HOST: '127.0.0.1',
  CLOAKROOM_LISTEN_PORT: '0',
  CLOAKROOM_MANAGEMENT_HOST: '127.0.0.1',
  CLOAKROOM_MANAGEMENT_PORT: '0',
  CLOAKROOM_SHUTDOWN_DELAY: '1ms',
  CLOAKROOM_PROVIDER_ISSUER: 'https://127.0.0.1:9',
  CLOAKROOM_PROVIDER_CLIENT_ID: 'image',
  CLOAKROOM_PROVIDER_CLIENT_SECRET: randomBytes(24).toString('base64url'),
  CLOAKROOM_COOKIE_KEYS_0_ID: '1',
  CLOAKROOM_COOKIE_KEYS_0_SECRET: randomBytes(48).toString('base64url'),
  CLOAKROOM_ROUTES: '/api=http://127.0.0.1:9',
};

/** Replays the stages in folders of their own: COPY copies, RUN runs; what only an engine can do (USER, EXPOSE) is left out. */
class Replay {
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  folder(stage: string): string {
    return join(this.#home, stage);
  }

  async stage(stage: Stage): Promise<void> {
    const folder = this.folder(stage.name);
    await mkdir(folder, { recursive: true });
    for (const { keyword, argument } of stage.steps) {
      if (keyword === 'COPY') await this.#copy(argument, folder);
      if (keyword === 'RUN') await run('sh', ['-c', argument], { cwd: folder, env: ENVIRONMENT });
    }
  }

  async #copy(argument: string, folder: string): Promise<void> {
    const { from, sources, target } = parseCopy(argument);
    for (const source of sources) {
      const origin = from === undefined ? join(root, source) : join(this.folder(from), source.slice(WORKDIR.length));
      const intoFolder = !(await stat(origin)).isDirectory() && (sources.length > 1 || target.endsWith('/'));
      await cp(origin, intoFolder ? join(folder, target, basename(source)) : join(folder, target), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  }
}

describe('the image of the Dockerfile', () => {
  const all = stages();
  const image = all.at(-1) ?? { name: '', image: '', steps: [] };
  let home = '';
  let folder = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'cloakroom-image-'));
    const replay = new Replay(home);
    for (const stage of all) await replay.stage(stage);
    folder = replay.folder(image.name);
  });

  afterAll(() => rm(home, { recursive: true, force: true }));

  const cloakroom = (...words: readonly string[]): ReturnType<typeof run> => {
    const [, ...program] = execForm(argumentsOf(image, 'ENTRYPOINT')[0]) ?? [];
    return run(process.execPath, [...program, ...words], { cwd: folder, env: { ...ENVIRONMENT, NODE_ENV: 'production' } });
  };

  it('tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    expect((await cloakroom('--version')).stdout.toString()).toContain(version);
  });

  it('makes a key', async () => {
    expect((await cloakroom('keygen')).stdout.toString().trim()).toMatch(/^[\w-]{64}$/);
  });

  it('listens with the provider down, and ends well when it is told to', async () => {
    const [, ...program] = [...(execForm(argumentsOf(image, 'ENTRYPOINT')[0]) ?? []), ...(execForm(argumentsOf(image, 'CMD')[0]) ?? [])];
    const { PATH } = ENVIRONMENT;
    const server = spawn(process.execPath, program, { cwd: folder, env: { PATH, ...SETTINGS }, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(server, 'exit');
    for await (const line of createInterface(server.stdout)) {
      const { event } = JSON.parse(line) as { event: string };
      if (event === 'listening') break;
    }
    server.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('holds production packages only', async () => {
    const packages = await readdir(join(folder, 'node_modules'));
    expect(packages).toContain('iron-session');
    expect(
      packages.filter((name) =>
        /^(typescript|jest|eslint|prettier|knip|http-proxy|oidc-provider|node-(bin|linux|darwin|win)-.*)$/.test(name),
      ),
    ).toEqual([]);
  });
});
