import type { IncomingHttpHeaders } from 'node:http';
import { isNavigation } from '../csrf/navigation.ts';

/** A browser that looks ahead (prefetch, prerender): nobody has clicked yet, so nothing may begin or end. */
export function isSpeculative(headers: IncomingHttpHeaders): boolean {
  return headers['sec-purpose'] !== undefined || headers['purpose'] !== undefined || headers['x-moz'] !== undefined;
}

/** A top-level navigation of a user, and nothing that a page does by itself (script, image, frame). */
export function isUserNavigation(headers: IncomingHttpHeaders): boolean {
  const destination = headers['sec-fetch-dest'];
  // A service worker or a download makes the destination `empty`.
  const topLevel = destination === undefined || destination === 'document' || destination === 'empty';
  return topLevel && isNavigation(headers) && !isSpeculative(headers);
}
