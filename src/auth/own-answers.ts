import { continuingPage } from '../kernel/continuing-page.ts';
import type { Failure } from '../kernel/errors.ts';
import { failureResponse, type FailureContext, type OwnResponse } from '../kernel/failure-response.ts';
import { PAGE_HEADERS, renderPage, type Page } from '../kernel/html-page.ts';
import { isNavigation } from '../csrf/navigation.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { loginUrlOf, type PublicUrls } from './public-urls.ts';

type SetCookies = readonly string[];

export function continueTo(href: string, title: string, cookies: SetCookies = []): OwnResponse {
  return withCookies(continuingPage(href, title), cookies);
}

export function ownPage(page: Page, cookies: SetCookies = []): OwnResponse {
  return withCookies({ status: 200, headers: PAGE_HEADERS, body: renderPage(page) }, cookies);
}

/** `location` is a URL or path that was serialised by us or by the provider client. */
export function redirectTo(status: 302 | 303, location: string, cookies: SetCookies = []): OwnResponse {
  const headers = { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
  return withCookies({ status, headers, body: '' }, cookies);
}

export function jsonAnswer(value: object, cookies: SetCookies = []): OwnResponse {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return withCookies({ status: 200, headers, body: JSON.stringify(value) }, cookies);
}

export interface FailureAnswerExtras extends Partial<Pick<FailureContext, 'returnTo' | 'action' | 'lines'>> {
  readonly cookies?: SetCookies;
}

export function failureAnswer(
  failure: Failure,
  request: Pick<EndpointRequest, 'headers' | 'requestId'>,
  urls: PublicUrls,
  { cookies = [], ...extras }: FailureAnswerExtras = {},
): OwnResponse {
  const { headers, requestId } = request;
  const context = { requestId, loginUrl: loginUrlOf(urls), navigation: isNavigation(headers), ...extras };
  return withCookies(failureResponse(failure, context), cookies);
}

function withCookies(response: OwnResponse, cookies: SetCookies): OwnResponse {
  return cookies.length === 0 ? response : { ...response, headers: { ...response.headers, 'set-cookie': cookies } };
}
