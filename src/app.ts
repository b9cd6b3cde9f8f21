import type { RequestListener, Server } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.ts';
import type { Config } from './config/config.ts';
import { createFrontend, type Frontend, type Surroundings } from './frontend.ts';
import { innerPath, PAGE_ROOT } from './inner-paths.ts';
import { listenOn } from './ops/listen.ts';
import { createManagementServer } from './ops/management-server.ts';
import { atMost, takeAll } from './ops/shutdown.ts';
import { createHttpServer } from './server/http-server.ts';
import { ServerDrain } from './server/server-drain.ts';
import { registerStaticPages } from './spa/static-pages.ts';

/** A Cloakroom in this process: nothing of it is shared with another one. */
export interface App {
  /** Resolves once both ports accept; the provider need not be there. Rejects with PortUnavailableError. */
  listen(): Promise<{ readonly url: string; readonly managementUrl: string }>;
  /** Readiness turns red and answers ask clients to close their connections; everything else goes on. */
  announceShutdown(): void;
  /**
   * Stops accepting, lets requests and grants under way finish within `shutdown.grace`, and closes everything. Whatever fails,
   * nothing listens any more in the end; then the first error is thrown. A second call gets the same promise.
   */
  stop(): Promise<void>;
}

/** What close to the provider and the upstreams may take beyond the grace: a grant that began just before its end is not lost. */
const CLOSE_MARGIN_MS = 5_000;

/** THE wiring page: http server, front door, Nest application, management port. */
export async function createApp(config: Config, surroundings: Surroundings): Promise<App> {
  const frontend = createFrontend(config, surroundings);
  const nest = await createNest(config, frontend, surroundings);
  let draining = false;
  const server: Server = nest.getHttpServer();
  const health = {
    draining: () => draining,
    provider: () => frontend.providerStatus(),
    redis: () => frontend.redisStatus(),
    metrics: () => (config.metrics.enabled ? frontend.metrics() : undefined),
  };
  const management = createManagementServer(health, () => frontend.requestIds.next(surroundings.clock.now()));
  const drain = new ServerDrain(server);
  const managementDrain = new ServerDrain(management);
  let stopped: Promise<void> | undefined;
  const announceShutdown = (): void => {
    draining = true;
    drain.announce();
  };
  const stop = async (): Promise<void> => {
    announceShutdown();
    const { grace } = config.shutdown;
    const began = performance.now();
    const left = (): number => Math.max(0, began + grace + CLOSE_MARGIN_MS - performance.now());
    frontend.endLive();
    await takeAll([
      () => drain.drain(grace),
      () => atMost(left(), 'the frontend', frontend.close()),
      () => atMost(left(), 'the application', nest.close()),
      () => managementDrain.drain(0),
    ]);
  };
  return {
    async listen() {
      const manager = await listenOn(management, config.management, 'management.port');
      const bound = await listenOn(server, config.listen, 'listen.port').catch(async (error: unknown) => {
        await managementDrain.drain(0);
        throw error;
      });
      frontend.start();
      return { url: urlOf(config.listen.host, bound.port), managementUrl: urlOf(config.management.host, manager.port) };
    },
    announceShutdown,
    stop: () => (stopped ??= stop()),
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
        upgrade: (request, early) => frontend.door.upgrade(request, early),
        onBodyLost: (request, response, failure) => frontend.door.bodyLost(request, response, failure),
        loginUrl: frontend.loginUrl,
        nextRequestId: () => frontend.requestIds.next(clock.now()),
        clearAll: () => frontend.clearAll(),
        ...(onAnswered !== undefined && { onAnswered }),
      }),
  });
  const fastify = adapter.getInstance();
  // Endpoints read their own bodies, after the guards: nothing is parsed for a request that will be refused.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  if (config.spa?.directory !== undefined) await registerStaticPages(fastify, { directory: config.spa.directory, internalRoot: PAGE_ROOT });
  const module = AppModule.forFrontend(frontend.auth);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest calls its options a class, and documents a plain object
  const options: NestApplicationOptions = { logger: false, bodyParser: false, abortOnError: false };
  const nest = await NestFactory.create<NestFastifyApplication>(module, adapter, options);
  await nest.init();
  await fastify.ready();
  return nest;
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${String(port)}`;
}
