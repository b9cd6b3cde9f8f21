import { ENDPOINT_ROOT } from './auth/endpoints.ts';
import { isBelow } from './kernel/request-target.ts';

/** Inside, pages have a root of their own, as endpoints do, whatever `basePath` is called and whatever the app's own paths are. */
export const PAGE_ROOT = '/spa';

/** Turns a canonical target below publicUrl's path into the path that the inner router knows. */
export function innerPath(target: string, basePath: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return isBelow(path, basePath) ? ENDPOINT_ROOT + target.slice(basePath.length) : PAGE_ROOT + target;
}
