import { endpointAt, ENDPOINT_ROOT } from './auth/endpoints.ts';
import { isBelow } from './kernel/request-target.ts';

/** Inside, pages have a root of their own, as endpoints do, whatever `basePath` is called and whatever the app's own paths are. */
export const PAGE_ROOT = '/spa';

/**
 * What access lines call a canonical path below publicUrl's path that is no route: the endpoint as it is asked for, `spa`, or
 * `refused` where nothing is served. The set is small whatever is asked for.
 */
export function endpointOf(path: string, served: { readonly basePath: string; readonly hasPages: boolean }): string {
  if (!isBelow(path, served.basePath)) return served.hasPages ? 'spa' : 'refused';
  const endpoint = endpointAt(ENDPOINT_ROOT + path.slice(served.basePath.length));
  return endpoint === undefined ? 'refused' : served.basePath + endpoint.path;
}

/** Turns a canonical target below publicUrl's path into the path that the inner router knows. */
export function innerPath(target: string, basePath: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return isBelow(path, basePath) ? ENDPOINT_ROOT + target.slice(basePath.length) : PAGE_ROOT + target;
}
