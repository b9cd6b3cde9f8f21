import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { FailureError } from '../../../src/kernel/errors.ts';
import { registerStaticPages } from '../../../src/spa/static-pages.ts';

const NAVIGATION = { 'sec-fetch-mode': 'navigate' };
const FETCH = { 'sec-fetch-mode': 'cors' };

describe('the single-page app', () => {
  let folder: string;
  let app: FastifyInstance;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloakroom-spa-'));
    const files = { 'dist/index.html': '<h1>app</h1>', 'dist/assets/app.js': 'run()', 'dist/.env': 'SECRET=1', 'outside.txt': 'outside' };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    app = fastify();
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof FailureError)) throw error;
      void reply.status(error.failure.code === 'method_not_allowed' ? 405 : 404).send({ code: error.failure.code });
    });
    await registerStaticPages(app, { directory: join(folder, 'dist'), internalRoot: '/spa' });
  });

  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  it('serves its index page to the root and to every deep link that is no file', async () => {
    for (const url of ['/spa/', '/spa/orders/42', '/spa/assets/']) {
      const answer = await app.inject({ url, headers: NAVIGATION });
      expect([url, answer.statusCode, answer.body, answer.headers['cache-control']]).toEqual([url, 200, '<h1>app</h1>', 'no-cache']);
    }
  });

  it('serves files as they are, with their type and without sniffing', async () => {
    const answer = await app.inject({ url: '/spa/assets/app.js', headers: FETCH });
    expect([answer.statusCode, answer.body]).toEqual([200, 'run()']);
    expect(answer.headers).toMatchObject({ 'content-type': expect.stringContaining('javascript'), 'x-content-type-options': 'nosniff' });
  });

  it('answers 404 to a missing asset, so that a script is never a page', async () => {
    expect((await app.inject({ url: '/spa/assets/gone.js', headers: FETCH })).statusCode).toBe(404);
  });

  it.each(['/spa/.env', '/spa/../outside.txt', '/spa/%2e%2e/outside.txt', '/spa/assets/../../outside.txt', '/spa/%00'])(
    'gives nothing away at %s',
    async (url) => {
      const answer = await app.inject({ url, headers: FETCH });
      expect(answer.statusCode).toBe(404);
      expect(answer.body).not.toMatch(/SECRET|outside"/);
    },
  );

  it('answers 405 to what is neither GET nor HEAD', async () => {
    expect((await app.inject({ method: 'POST', url: '/spa/' })).statusCode).toBe(405);
    expect((await app.inject({ method: 'HEAD', url: '/spa/' })).body).toBe('');
  });
});
