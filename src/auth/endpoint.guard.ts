import { Injectable, type CanActivate, type ExecutionContext, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { FailureError } from '../kernel/errors.ts';
import { EndpointPolicy } from './endpoint-policy.ts';
import { ENDPOINT_METADATA } from './endpoint.decorator.ts';
import type { EndpointRules } from './endpoints.ts';

const ROUTE_METADATA = 'path'; // what Nest's own method decorators leave on a handler

/** Stands before every handler of the process, so that one without a stance of its own is no door: default deny. */
@Injectable()
export class EndpointGuard implements CanActivate, OnApplicationBootstrap {
  readonly #policy: EndpointPolicy;
  readonly #reflector: Reflector;
  readonly #discovery: DiscoveryService;
  readonly #scanner: MetadataScanner;

  constructor(policy: EndpointPolicy, reflector: Reflector, discovery: DiscoveryService, scanner: MetadataScanner) {
    this.#policy = policy;
    this.#reflector = reflector;
    this.#discovery = discovery;
    this.#scanner = scanner;
  }

  /** A forgotten stance stops the process from starting, long before a request meets it. */
  onApplicationBootstrap(): void {
    for (const { instance } of this.#discovery.getControllers()) {
      const prototype: unknown = instance === null ? null : Object.getPrototypeOf(instance);
      if (typeof prototype === 'object' && prototype !== null) this.#checkHandlers(prototype);
    }
  }

  canActivate(context: ExecutionContext): boolean {
    const rules = this.#rulesOf(context.getHandler());
    if (rules === undefined) throw new Error('a handler has no endpoint rules');
    const { raw } = context.switchToHttp().getRequest<FastifyRequest>();
    const failure = this.#policy.check({ method: raw.method ?? '', headers: raw.headers }, rules);
    if (failure !== undefined) throw new FailureError(failure);
    return true;
  }

  #checkHandlers(prototype: object): void {
    for (const name of this.#scanner.getAllMethodNames(prototype)) {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function' || !Reflect.hasMetadata(ROUTE_METADATA, handler)) continue;
      if (this.#rulesOf(handler) === undefined) throw new Error(`the handler ${prototype.constructor.name}.${name} has no endpoint rules`);
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- the type of Reflector's own parameter
  #rulesOf(handler: Function): EndpointRules | undefined {
    return this.#reflector.get<EndpointRules | undefined>(ENDPOINT_METADATA, handler);
  }
}
