import type { IncomingHttpHeaders } from 'node:http';
import { isNavigation } from '../csrf/navigation.ts';

/** A browser that looks ahead (prefetch, prerender): nobody has clicked yet, so nothing may begin or end. */
export function isSpeculative(headers: IncomingHttpHeaders): boolean {
  return headers['sec-purpose'] !== undefined || headers['purpose'] !== undefined || headers['x-moz'] !== undefined;
}

/** A navigation of the whole window, and nothing that a page does by itself (script, image, frame). */
export function isTopLevelNavigation(headers: IncomingHttpHeaders): boolean {
  const destination = headers['sec-fetch-dest'];
  // A service worker or a download makes the destination `empty`.
  const isWhole = destination === undefined || destination === 'document' || destination === 'empty';
  return isWhole && isNavigation(headers);
}

/** The same, and not ahead of the user. */
export const isUserNavigation = (headers: IncomingHttpHeaders): boolean => isTopLevelNavigation(headers) && !isSpeculative(headers);
