import type { RequestListener, Server } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module.ts';
import type { Config } from './config/config.ts';
import { createFrontend, type Frontend, type Surroundings } from './frontend.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import { createHttpServer } from './server/http-server.ts';
import { ENDPOINT_ROOT } from './auth/endpoints.ts';
import { innerPath, PAGE_ROOT } from './inner-paths.ts';
import { listenOn } from './ops/listen.ts';
import { createManagementServer } from './ops/management-server.ts';
import { drainServer } from './ops/shutdown.ts';
import { registerStaticPages } from './spa/static-pages.ts';

/** A Cloakroom in this process: nothing of it is shared with another one. */
export interface App {
  /** Resolves once both ports accept; the provider need not be there. Rejects with PortUnavailableError. */
  listen(): Promise<{ readonly url: string; readonly managementUrl: string }>;
  /** Readiness turns red; everything else goes on. */
  announceShutdown(): void;
  /** Stops accepting, lets requests and grants under way finish within `shutdown.grace`, and closes everything. */
  stop(): Promise<void>;
}

/** THE wiring page: http server, front door, Nest application, management port. */
export async function createApp(config: Config, surroundings: Surroundings): Promise<App> {
  const frontend = createFrontend(config, surroundings);
  const nest = await createNest(config, frontend, surroundings);
  let draining = false;
  const server: Server = nest.getHttpServer();
  const management = createManagementServer({ draining: () => draining, provider: () => frontend.providerStatus() });
  return {
    async listen() {
      const manager = await listenOn(management, config.management, 'management.port');
      const bound = await listenOn(server, config.listen, 'listen.port').catch(async (error: unknown) => {
        await drainServer(management, 0);
        throw error;
      });
      frontend.start();
      return { url: urlOf(config.listen.host, bound.port), managementUrl: urlOf(config.management.host, manager.port) };
    },
    announceShutdown() {
      draining = true;
    },
    async stop() {
      draining = true;
      await drainServer(server, config.shutdown.grace);
      await frontend.close();
      await nest.close();
      await drainServer(management, 0);
    },
  };
}

async function createNest(config: Config, frontend: Frontend, { clock, onAnswered }: Surroundings): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    // Fastify would put a handler of its own on our server, which resets the connection before our answer is read.
    clientErrorHandler: () => undefined,
    serverFactory: (fastifyHandler: RequestListener) =>
      createHttpServer(config.listen, {
        listener: frontend.door.listener((request, response) => {
          request.url = innerPath(request.url ?? '/', config.basePath);
          fastifyHandler(request, response);
        }),
        upgrade: (request) => frontend.door.upgrade(request),
        onBodyIdle: (request, response) => {
          frontend.door.fail(request, response, { code: 'request_timeout' }, frontend.requestIds.next(clock.now()));
        },
        loginUrl: frontend.loginUrl,
        nextRequestId: () => frontend.requestIds.next(clock.now()),
        clearAll: () => frontend.clearAll(),
      }),
  });
  const fastify = adapter.getInstance();
  // Endpoints read their own bodies, after the guards: nothing is parsed for a request that will be refused.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  if (config.spa?.directory !== undefined) await registerStaticPages(fastify, { directory: config.spa.directory, internalRoot: PAGE_ROOT });
  if (onAnswered !== undefined) reportAnswers(fastify, config.basePath, onAnswered);
  const module = AppModule.forFrontend(frontend.auth);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest calls its options a class, and documents a plain object
  const options: NestApplicationOptions = { logger: false, bodyParser: false, abortOnError: false };
  const nest = await NestFactory.create<NestFastifyApplication>(module, adapter, options);
  await nest.init();
  await fastify.ready();
  return nest;
}

/** Routes of the inner router are few and known: the template of the one that matched says enough. */
function reportAnswers(fastify: FastifyInstance, basePath: string, onAnswered: OnAnswered): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const { url } = request.routeOptions;
    const route =
      url?.startsWith(ENDPOINT_ROOT) === true ? basePath + url.slice(ENDPOINT_ROOT.length) : (url?.slice(1, PAGE_ROOT.length) ?? 'unknown');
    const requestId = String(request.headers['x-request-id']);
    onAnswered({ requestId, method: request.method, route, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) });
    done();
  });
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${String(port)}`;
}
