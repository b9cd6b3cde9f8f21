import type * as EndpointDocs from '../src/auth/endpoint-docs.ts';
import type * as Errors from '../src/kernel/errors.ts';

/** docs/endpoints.md: the endpoints and the codes, both from the tables that the code itself reads. */
export function endpointsPage({ endpointTable }: typeof EndpointDocs, { ERRORS }: typeof Errors): string {
  const codes = Object.entries(ERRORS).map(([code, { status, when }]) => `| \`${code}\` | ${status} | ${when} |`);
  return [
    '# Endpoints and errors',
    'Generated from the code (`npm run docs`). Paths are shown with the default `basePath`; all of them lie below the path of `publicUrl`.',
    '## Endpoints',
    endpointTable(),
    'A path below `basePath` that is not listed is 404 `route_not_found`, another method 405 with `Allow`. Every answer is `Cache-Control: no-store`.',
    '## Routes',
    'Everything below a configured `routes[].path` goes to its upstream with the bearer token attached. Answers of the upstream pass through, without headers that speak for the whole origin (CORS, `Clear-Site-Data`, `Service-Worker-Allowed`, `Alt-Svc`, `Refresh`) and without cookies that the route does not list; answers of ours carry the header `Cloakroom-Error`. A route never answers with a redirect to the provider.',
    '## Errors',
    'An error of ours is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `code`, `requestId`, and where they help `detail`, `reason`, `providerError` and `loginUrl` (which may carry a query already); a navigation gets a small HTML page with the same status and code instead. Both carry `Cloakroom-Error: <code>`. Every 503 and 429 has `Retry-After`.',
    ['| Code | Status | When |', '| --- | --- | --- |', ...codes].join('\n'),
    '',
  ].join('\n\n');
}
