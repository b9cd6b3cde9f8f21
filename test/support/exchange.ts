import { request, type IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { Readable } from 'node:stream';

export interface RawRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/** One HTTP exchange with full control over the header lines (fetch would add and forbid some). Resolves at the response head. */
export function exchange(raw: RawRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { method: raw.method, headers: raw.headers, agent: false, ...(raw.signal === undefined ? {} : { signal: raw.signal }) };
    // A certificate of a test is nobody's business here: what is tested is whether Cloakroom trusts it.
    const outgoing =
      raw.url.protocol === 'https:' ? requestOverTls(raw.url, { ...options, rejectUnauthorized: false }) : request(raw.url, options);
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => resolve(toResponse(incoming)));
    outgoing.end(raw.body);
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '');
  }
  if (WITHOUT_BODY.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers });
}
