import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { KEY, yamlOf } from '../unit/config/sample.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');

const encrypted = (key: string): string =>
  createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' });

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the command line', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloakroom-cli-'));
    await writeFile(join(folder, 'good.yaml'), yamlOf());
    await writeFile(join(folder, 'bad.yaml'), yamlOf({ session: '{ idle: 30, stoer: cookie }', listen: '{ port: 300x }' }));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const cloakroom = (words: readonly string[], env: Readonly<Record<string, string>> = {}, script = cli): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile(process.execPath, [script, ...words], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });

  it('tells its version and its usage', async () => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };
    expect(await cloakroom(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
    const help = await cloakroom(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: cloakroom <command>/);
    expect(await cloakroom(['serve', '--help'])).toEqual(help);
  });

  it.each([
    { words: [] },
    { words: ['doctor'] },
    { words: ['check', '--frob'] },
    { words: ['check', 'more'] },
    { words: ['check', '--config'] },
    { words: ['keygen', '--config', 'good.yaml'] },
    { words: ['toString'] },
  ])('answers $words with the usage on stderr and 64', async ({ words }) => {
    const { code, stdout, stderr } = await cloakroom(words);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^Usage: /);
  });

  it('prints one key that the configuration accepts, and another one the next time', async () => {
    const [one, other] = await Promise.all([cloakroom(['keygen']), cloakroom(['keygen'])]);
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toMatch(/^[A-Za-z0-9_-]{64}\n$/);
    expect(one.stdout).not.toBe(other.stdout);
    await writeFile(join(folder, 'key.yaml'), yamlOf({ cookie: `{ keys: [{ id: 1, secret: ${one.stdout.trim()} }] }` }));
    expect(await cloakroom(['check', '--config', 'key.yaml'])).toMatchObject({ code: 0 });
  });

  it('checks a good configuration: the masked dump, and warnings beside it', async () => {
    const { code, stdout, stderr } = await cloakroom(['check', '--config', 'good.yaml'], {
      CLOAKROOM_REPLICAS: '2',
      CLOAKROOM_SESION: 'x',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^publicUrl: https:\/\/app\.example\.com\n/);
    expect(stdout).toContain('\nreplicas: 2\n');
    expect(stdout + stderr).not.toMatch(new RegExp(`${KEY}|sesame`));
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^warning: CLOAKROOM_SESION /),
      expect.stringMatching(/^warning: replicas: /),
    ]);
  });

  it.each(['check', 'serve'])('%s ends with 78 and one line for each problem', async (command) => {
    const { code, stdout, stderr } = await cloakroom([command, '--config', 'bad.yaml']);
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    const paths = stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, line.indexOf(': ')));
    expect(paths.sort()).toEqual(['listen.port', 'session.idle', 'session.stoer']);
  });

  it.each(['check', 'serve'])(
    '%s ends with 78 and names each certificate file that cannot be used, and nothing that is in it',
    async (command) => {
      const [own, other] = [loopbackCertificate(Date.now()), loopbackCertificate(Date.now())];
      const contents = { 'own.pem': own.cert, 'other.key': other.key, 'encrypted.key': encrypted(own.key), 'page.pem': '<p>sesame</p>' };
      await Promise.all(Object.entries(contents).map(([name, content]) => writeFile(join(folder, name), content)));
      const route = (path: string, tls: string): string => `{ path: ${path}, upstream: "https://api.example", tls: { ${tls} } }`;
      const routes = [
        route('/a', 'certFile: own.pem, keyFile: other.key'),
        route('/b', 'caFile: page.pem'),
        route('/c', 'certFile: own.pem, keyFile: encrypted.key'),
      ];
      await writeFile(join(folder, 'tls.yaml'), yamlOf({ routes: `[${routes.join(', ')}]` }));
      const { code, stdout, stderr } = await cloakroom([command, '--config', 'tls.yaml']);
      expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
      expect(stderr.split('\n')).toEqual([
        'routes[0].tls.keyFile: must be the key of the first certificate in certFile',
        expect.stringMatching(/^routes\[1\]\.tls\.caFile: must hold PEM that begins with -----BEGIN CERTIFICATE----- \(make it .*\)$/),
        expect.stringMatching(/^routes\[2\]\.tls\.keyFile: must not be encrypted, .* \(decrypt it with: openssl pkey\)$/),
        '',
      ]);
    },
  );

  it('ends with 78 when the named file is missing', async () => {
    expect(await cloakroom(['check', '--config', 'missing.yaml'])).toEqual({
      code: 78,
      stdout: '',
      stderr: 'missing.yaml: cannot be read\n',
    });
  });

  it('takes cloakroom.yaml when no file is named, and else the environment alone', async () => {
    expect((await cloakroom(['check'])).stderr).toMatch(/^publicUrl: is required\n/);
    await writeFile(join(folder, 'cloakroom.yaml'), yamlOf({ basePath: '/auth' }));
    expect((await cloakroom(['check'])).stdout).toContain('\nbasePath: /auth\n');
  });

  it('tells an old Node what it needs before it imports anything that would fail', async () => {
    const script = join(folder, 'old-node.mjs');
    const old = "Object.defineProperty(process.versions, 'node', { value: '20.19.0' });";
    await writeFile(script, `${old}\nawait import(${JSON.stringify(cli)});\n`);
    expect(await cloakroom(['serve'], {}, script)).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/needs Node >= 24\.9.*\n$/),
    });
    const imports = (await readFile(cli, 'utf8')).match(/^import .*$/gm);
    expect(imports).toEqual(["import process from 'node:process';"]);
  });
});
