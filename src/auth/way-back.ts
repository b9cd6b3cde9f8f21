import type { OwnResponse } from '../kernel/failure-response.ts';
import { canonicalTarget } from '../kernel/request-target.ts';
import { continueTo, ownPage, redirectTo } from './own-answers.ts';

/**
 * Whether a browser may be led to a canonical path (with publicUrl's path) without a click. Not where a GET may do something: a step
 * that another site began and we took would arrive as our own site's, with the session.
 */
export type GoesOnByItself = (path: string) => boolean;

interface Way {
  /** A judged returnTo: path, query and fragment. */
  readonly returnTo: string;
  /** What has just happened, for the page. */
  readonly title: string;
  readonly cookies?: readonly string[];
}

const CLICK = 'The next page is part of an interface for programs. Go on only if you meant to open it.';

/** Back to where the user came from: a redirect, or a page with a link where a click must say so. */
export function redirectBack(way: Way, goesOnByItself: GoesOnByItself): OwnResponse {
  return isHarmless(way, goesOnByItself) ? redirectTo(303, way.returnTo, way.cookies) : byClick(way);
}

/** The same from an answer to a navigation that another site began: a page of ours in between makes the next request our own site's. */
export function continueBack(way: Way, goesOnByItself: GoesOnByItself): OwnResponse {
  return isHarmless(way, goesOnByItself) ? continueTo(way.returnTo, way.title, way.cookies) : byClick(way);
}

function isHarmless({ returnTo }: Way, goesOnByItself: GoesOnByItself): boolean {
  const target = canonicalTarget(returnTo.replace(/[?#].*$/s, ''));
  return target.kind === 'canonical' && goesOnByItself(target.path);
}

function byClick({ returnTo, title, cookies }: Way): OwnResponse {
  return ownPage({ title, lines: [CLICK], action: { kind: 'link', href: returnTo, label: 'Continue' }, note: returnTo }, cookies);
}
