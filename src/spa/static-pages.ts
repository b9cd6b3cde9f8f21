import { stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isNavigation } from '../csrf/navigation.ts';
import { FailureError } from '../kernel/errors.ts';

const METHODS: readonly string[] = ['GET', 'HEAD'];

export interface StaticPages {
  /** The built single-page app; `index.html` in it answers every navigation that is no file. */
  readonly directory: string;
  /** Where the front door re-roots paths of the app, such as `/spa`. */
  readonly internalRoot: string;
}

/** Serves the single-page app: files as they are, its index page for deep links, 404 for an asset that is missing. */
export async function registerStaticPages(fastify: FastifyInstance, pages: StaticPages): Promise<void> {
  const root = resolve(pages.directory);
  await fastify.register(fastifyStatic, { root, serve: false });
  const handler = async (request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply): Promise<FastifyReply> => {
    if (!METHODS.includes(request.method)) throw new FailureError({ code: 'method_not_allowed', allow: METHODS });
    return sendPage(root, request.params['*'], request, reply);
  };
  fastify.all(`${pages.internalRoot}/*`, handler);
}

async function sendPage(root: string, path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'strict-origin-when-cross-origin');
  if (path !== '' && (await isFile(root, path))) return reply.sendFile(path, { dotfiles: 'ignore' });
  if (path !== '' && !isNavigation(request.headers))
    throw new FailureError({ code: 'route_not_found', detail: 'No such file in the app.' });
  void reply.header('cache-control', 'no-cache');
  return reply.sendFile('index.html', { cacheControl: false });
}

async function isFile(root: string, path: string): Promise<boolean> {
  const file = join(root, path);
  if (!file.startsWith(root + sep) || path.split('/').some((segment) => segment.startsWith('.'))) return false;
  try {
    return (await stat(file)).isFile();
  } catch {
    // Missing, unreadable or an impossible name: for the browser these are all "no such file".
    return false;
  }
}
