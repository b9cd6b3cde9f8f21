/** A request as Chromium's fetch sends it to the application's own origin. */
export interface BrowserRequest {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  /** More lines of the head, after the browser's own. */
  readonly lines?: readonly string[];
  readonly body?: Buffer;
}

/** What Chromium sends with a fetch, besides Host and Cookie. */
export function browserHeaders(origin: string): readonly (readonly [string, string])[] {
  return [
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'],
    ['accept', '*/*'],
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-mode', 'cors'],
    ['sec-fetch-dest', 'empty'],
    ['referer', `${origin}/orders`],
    ['accept-encoding', 'gzip, deflate, br'],
    ['accept-language', 'en-GB,en;q=0.9'],
  ];
}

/** The bytes of it. `host` and `origin` are what the browser believes in, whatever port they are sent to. */
export function requestBytes(host: string, origin: string, { method = 'GET', path, lines = [], body }: BrowserRequest): Buffer {
  const browser = browserHeaders(origin).map(([name, value]) => `${name}: ${value}`);
  const framing =
    body === undefined ? [] : [`content-length: ${body.length}`, 'content-type: application/octet-stream', `origin: ${origin}`];
  const head = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: keep-alive', ...browser, ...framing, ...lines].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

/** A WebSocket handshake (RFC 6455 §4.1), as Chromium sends it. */
export function handshakeBytes(host: string, origin: string, path: string, lines: readonly string[]): Buffer {
  const upgrade = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='];
  const head = [`GET ${path} HTTP/1.1`, `host: ${host}`, `origin: ${origin}`, ...upgrade, ...lines].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n`, 'latin1');
}
