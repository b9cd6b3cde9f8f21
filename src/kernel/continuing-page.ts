import type { OwnResponse } from './failure-response.ts';
import { PAGE_HEADERS, renderPage } from './html-page.ts';

/** A page without script that goes on by itself, now as a request of our own site; its link is for browsers that ignore Refresh. */
export function continuingPage(href: string, title = 'One moment'): OwnResponse {
  const body = renderPage({ title, lines: ['You are on your way.'], action: { kind: 'link', href, label: 'Continue' } });
  return { status: 200, headers: { ...PAGE_HEADERS, refresh: `0;url=${href}` }, body };
}
