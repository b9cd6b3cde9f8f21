import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { argumentsOf, execForm, parseCopy, root, stages, type Stage } from './dockerfile.ts';

const all = stages();
const image = all.at(-1) ?? { name: '', image: '', steps: [] };
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const copies = (stage: Stage): ReturnType<typeof parseCopy>[] => argumentsOf(stage, 'COPY').map(parseCopy);
const fromContext = all.flatMap(copies).flatMap(({ from, sources }) => (from === undefined ? sources : []));

describe('the Dockerfile', () => {
  it('copies only what exists and what .dockerignore lets in', () => {
    const admitted = read('.dockerignore').split('\n');
    expect(fromContext.length).toBeGreaterThan(5);
    expect(fromContext.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect(admitted).toContain('*');
    expect(fromContext.filter((source) => !admitted.includes(`!${source}`))).toEqual([]);
  });

  it('copies from stages that come before', () => {
    const missing = all.flatMap((stage, at) =>
      copies(stage).filter(({ from }) => from !== undefined && !all.slice(0, at).some(({ name }) => name === from)),
    );
    expect(missing).toEqual([]);
    expect(copies(image).filter(({ from }) => from !== undefined)).toHaveLength(2);
  });

  it('runs the same major of Node everywhere, the one the project is tested with', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };
    const tested = Object.values(optionalDependencies).map((version) => version.split('.')[0]);
    expect(new Set(all.map((stage) => stage.image))).toEqual(new Set(tested.map((major) => `node:${String(major)}-slim`)));
  });

  it('installs by the lockfile, and for production without the tools', () => {
    const installs = all.flatMap((stage) => argumentsOf(stage, 'RUN')).filter((line) => line.includes('npm') && !line.includes('run'));
    expect(installs.map((line) => line.startsWith('npm ci'))).toEqual([true, true]);
    expect(copies(image).find(({ sources }) => sources.includes('/app/node_modules'))?.from).toBe('production');
    expect(argumentsOf(all.find(({ name }) => name === 'production') ?? image, 'RUN')).toEqual(['npm ci --omit=dev --omit=optional']);
  });

  it('serves as a user that is visibly not root, in exec form, so that signals arrive', () => {
    expect(argumentsOf(image, 'USER')).toEqual(['1000:1000']);
    expect(execForm(argumentsOf(image, 'ENTRYPOINT')[0])).toEqual(['node', 'dist/cli.js']);
    expect(execForm(argumentsOf(image, 'CMD')[0])).toEqual(['serve']);
  });

  it('names both ports and leaves health to the orchestrator', () => {
    expect(argumentsOf(image, 'EXPOSE')).toEqual(['8080 9090']);
    expect(argumentsOf(image, 'HEALTHCHECK')).toEqual([]);
  });
});

describe('reading a Dockerfile', () => {
  it('follows stages, continued lines and comments', () => {
    expect(stages('# x\nFROM a AS one\nRUN b \\\n  c\nFROM d\nCOPY --from=one /x /y ./z\n')).toEqual([
      { name: 'one', image: 'a', steps: [{ keyword: 'RUN', argument: 'b    c' }] },
      { name: 'stage-1', image: 'd', steps: [{ keyword: 'COPY', argument: '--from=one /x /y ./z' }] },
    ]);
    expect(parseCopy('--from=one /x /y ./z')).toEqual({ from: 'one', sources: ['/x', '/y'], target: './z' });
    expect(execForm('node dist/cli.js')).toBeUndefined();
  });
});
