import type { IncomingMessage } from 'node:http';
import type { Failure } from '../kernel/errors.ts';
import type { ApiRoute } from './api-routes.ts';

export function methodNotAllowed(route: ApiRoute): Failure {
  return { code: 'method_not_allowed', detail: 'This route does not admit this method.', allow: [...route.methodSet] };
}

/** By the declared length; bodies that declare none are counted on their way. */
export function isTooLarge(request: IncomingMessage, route: ApiRoute): boolean {
  return route.maxBody !== undefined && Number(request.headers['content-length'] ?? 0) > route.maxBody;
}
