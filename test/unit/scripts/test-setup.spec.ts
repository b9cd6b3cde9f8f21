import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const script = join(import.meta.dirname, '../../../scripts/test-setup.ts');
const isRoot = process.getuid?.() === 0;

describe('the test set-up', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cloakroom-setup-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (command: string, text = ''): void => {
    writeFileSync(join(folder, command), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };
  const run = (): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [script], { env: { PATH: folder }, encoding: 'utf8' });

  it('is content when both programs are there', () => {
    put('chromium');
    put('redis-server');
    expect(run()).toMatchObject({ status: 0, stderr: '' });
  });

  it('says what to install when it may not do so itself', () => {
    put('chromium');
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain('need Redis,');
    expect(stderr).toContain('sudo apt-get update && sudo apt-get install redis-server\n');
  });

  (isRoot ? it : it.skip)('installs what is missing as root, after an update', () => {
    put('chromium');
    put(
      'apt-get',
      `echo "$*" >>${folder}/log\n[ "$2" = update ] || echo '#!/bin/sh' >${folder}/redis-server\n/bin/chmod +x ${folder}/redis-server || true`,
    );
    expect(run().status).toBe(0);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('-qq update\n-qq install --yes --no-install-recommends redis-server\n');
  });

  (isRoot ? it : it.skip)('explains itself when the installation fails', () => {
    put('apt-get', 'exit 100');
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain('need Chromium and Redis,');
    expect(existsSync(join(folder, 'redis-server'))).toBe(false);
  });
});
