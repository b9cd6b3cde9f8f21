/** The release that the reference suite runs. */
export const HTTP_PROXY_VERSION = '1.18.1';

/** A case of the forwarder contract that http-proxy does not meet. docs/http-proxy.md is generated from these. */
export interface Difference {
  /** Of the case. */
  readonly title: string;
  /** How its run goes: an assertion fails, nothing more comes, or the process ends by an uncaught error. */
  readonly how: 'fails' | 'waits' | 'crashes';
  /** What http-proxy does instead, in one or two plain sentences (Markdown). */
  readonly instead: string;
}

const SMUGGLED =
  'Two requests reach the upstream. `Transfer-Encoding` is replaced by `Content-Length: 0`, the body is sent all the same, and the upstream takes it for the next request (the cause of CVE-2026-29057).';
const WAITS_FOR_THE_REST = 'The client waits for ever for the rest of the answer, also with `proxyTimeout`.';
const GOES_ON = 'The upstream request goes on until the upstream ends it or `proxyTimeout` passes.';

export const HTTP_PROXY_DIFFERENCES: readonly Difference[] = [
  {
    title: 'sends one request upstream when the chunked body of DELETE looks like another one',
    how: 'fails',
    instead: SMUGGLED,
  },
  {
    title: 'sends one request upstream when the chunked body of OPTIONS looks like another one',
    how: 'fails',
    instead: SMUGGLED,
  },
  {
    title: 'keeps the body of a DELETE byte for byte, by its length and in chunks',
    how: 'fails',
    instead: 'The body arrives when its length is given. A chunked one arrives as no body, and its bytes as a broken next request.',
  },
  {
    title: 'destroys the client connection when the upstream leaves during a chunked body',
    how: 'waits',
    instead: WAITS_FOR_THE_REST,
  },
  {
    title: 'destroys the client connection when the upstream leaves during a body of known length',
    how: 'waits',
    instead: WAITS_FOR_THE_REST,
  },
  {
    title: 'resets an HTTP/1.0 client, for which an orderly end would be the end of the body',
    how: 'waits',
    instead: WAITS_FOR_THE_REST,
  },
  {
    title: 'sends our Set-Cookie and the three of the upstream, each once',
    how: 'fails',
    instead:
      'The upstream’s `Set-Cookie` lines replace the one that was set on the response before `web()`: the client gets three cookies, and a rotated session is lost.',
  },
  {
    title: "sends the bearer upstream and none of the client's own credentials with Expect: 100-continue",
    how: 'fails',
    instead:
      'The `proxyReq` hook is not called for such a request. Headers given by the `headers` option arrive, but the client’s session cookie, which the hook takes off, goes upstream.',
  },
  {
    title: 'meets an expectation itself',
    how: 'fails',
    instead: 'The body arrives; `Expect` goes upstream as well. RFC 9110 §10.1.1 allows that; the case above is where it does harm.',
  },
  {
    title: 'ends the upstream request when the client leaves before the response head',
    how: 'waits',
    instead: GOES_ON,
  },
  {
    title: 'ends the upstream request when the client leaves during the answer',
    how: 'waits',
    instead: GOES_ON,
  },
  {
    title: 'sends nothing upstream for a client that left while the request waited for a connection',
    how: 'waits',
    instead:
      'The request that nobody waits for any more keeps its connection, and with an agent at its `maxSockets` everybody behind it waits.',
  },
  {
    title: 'gives the head of the answer to the client before there is a body',
    how: 'waits',
    instead: 'The head goes out with the first bytes of the body: an event stream does not open before its first event.',
  },
  {
    title: 'lets the client read an early answer while it still sends, and both connections stay usable',
    how: 'waits',
    instead: 'The client gets the 413, but the rest of its body is never read, and so neither is the next request on that connection.',
  },
  {
    title: 'lets the client read an early answer of an upstream that closes its connection with it',
    how: 'waits',
    instead:
      'The lost write hides the answer: usually the error callback is called instead (here: 502). The rest of the body is never read.',
  },
  {
    title: 'answers 502 for an upstream that answers with a status below 100',
    how: 'crashes',
    instead: 'A `RangeError` is thrown in an event listener of its own, past the error callback: the process ends.',
  },
  {
    title: 'answers 502 for an upstream that switches protocols unasked',
    how: 'waits',
    instead: 'The client waits for ever, also with `proxyTimeout`.',
  },
  {
    title: 'answers 502 for an upstream that floods with interim answers',
    how: 'waits',
    instead: 'Interim answers are read without a limit, until `proxyTimeout` passes.',
  },
  {
    title: 'answers 502 for an upstream that sends an unsolicited 100',
    how: 'fails',
    instead:
      'The 100 is skipped and the answer behind it passed on, which is what RFC 9110 §15.2 asks of a client. Here it is Cloakroom that falls short: its HTTP client (undici) takes it for an error.',
  },
  {
    title: 'answers 504 when the response head does not come in time',
    how: 'fails',
    instead: 'The error callback gets `ECONNRESET` after `proxyTimeout` as after a reset, so that it cannot tell 504 from 502 (here: 502).',
  },
];
