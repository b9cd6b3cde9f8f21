import { SeededRandom } from './random.ts';

export interface OddRequestOptions {
  readonly host: string;
  /** Real cookies to damage: `name=value`. */
  readonly cookies: readonly string[];
  readonly paths: readonly string[];
}

const SESSION = '__Host-Http-cloakroom';
const COOKIE_NAMES = [
  SESSION,
  `${SESSION}.0`,
  `${SESSION}.1`,
  `${SESSION}.3`,
  `${SESSION}.99`,
  '__Secure-cloakroom-hint',
  `${SESSION}-login.0000000abcd`,
  'x',
  '__proto__',
];
const VALUE_CHARACTERS = 'abcXYZ019-_.~*%="\'+/ {}[]<>\\|^`!?&\t\u00e9\u0080';
const TEXT_CHARACTERS = 'abcXYZ019-_.~!$&\'()*+,;=:@/?%{}[]<>|^`\\"';
const PARAMETERS = [
  'returnTo',
  'fresh',
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'id',
  'prompt',
  'max_age',
  'login_hint',
  'target_link_uri',
  'sid',
  'logout_token',
  '__proto__',
  'constructor',
  'toString',
];
const NASTY = [
  '',
  '/',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  'https://evil.example',
  '%00',
  '%0d%0aX:1',
  '%zz',
  '%',
  '%E0%A4%A',
  '\u0000'.replace('\u0000', '%00'),
  '[]',
  'null',
  '-1',
  '1e400',
  'login_required',
  '<script>',
  '%F0%9F%98%80',
  '../..',
  '{{7*7}}',
  '${7}',
];
const TYPES = [
  'application/x-www-form-urlencoded',
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json\t',
  ';',
  'x',
];
const BODIES = [
  '',
  '{',
  '{}',
  '[]',
  'null',
  '"x"',
  '{"returnTo":1}',
  '{"returnTo":["/"]}',
  '{"__proto__":{"returnTo":"//x"}}',
  'returnTo=/&returnTo=/',
  'returnTo',
  '=',
  '&&&',
  'a=%zz',
  '{"returnTo":"\ud800"}',
  '\u0000\u0001',
  'x'.repeat(20_000),
  '['.repeat(5_000),
];
const RARE_METHODS = ['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY', 'TRACE', 'PROPFIND'];
const EXTRA = [
  'X-CSRF: 1',
  'Origin: null',
  'Origin: https://evil.example',
  'Accept: text/html',
  'Accept: ',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'X-Request-Id: {}',
  'Content-Encoding: gzip',
  'Range: bytes=0-',
  'If-None-Match: *',
  'Sec-Purpose: prefetch',
  'X-Forwarded-Host: evil.example',
  'Authorization: Bearer x',
  'Cookie: again=1',
];

/** Writes requests that nobody sends on purpose, as bytes. The same seed writes the same requests. */
export class OddRequests {
  readonly #random: SeededRandom;
  readonly #options: OddRequestOptions;

  constructor(seed: number, options: OddRequestOptions) {
    this.#random = new SeededRandom(seed);
    this.#options = options;
  }

  /** One request with `Connection: close`. */
  next(): { readonly bytes: Buffer; readonly method: string } {
    const random = this.#random;
    const method = random.chance(6) ? random.pick(RARE_METHODS) : random.pick(['GET', 'GET', 'POST']);
    const body = method === 'GET' || method === 'HEAD' ? '' : random.pick(BODIES);
    const lines = [
      `${method} ${random.pick(this.#options.paths)}${this.#query()} HTTP/1.1`,
      `Host: ${this.#options.host}`,
      'Connection: close',
      ...this.#cookie(),
      ...this.#metadata(),
      ...(body === ''
        ? ['Content-Length: 0']
        : [`Content-Type: ${random.pick(TYPES)}`, `Content-Length: ${String(Buffer.byteLength(body))}`]),
      ...(random.chance(3) ? [random.pick(EXTRA)] : []),
    ];
    return { method, bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]) };
  }

  #query(): string {
    const random = this.#random;
    const count = random.pick([0, 1, 1, 2, 3, 8]);
    const pairs = Array.from({ length: count }, () => {
      const value = random.chance(2) ? random.pick(NASTY) : random.text(TEXT_CHARACTERS, random.pick([5, 50, 600]));
      return `${random.pick(PARAMETERS)}${random.chance(8) ? '' : '='}${value}`;
    });
    return pairs.length === 0 ? random.pick(['', '?']) : `?${pairs.join('&')}`;
  }

  #cookie(): string[] {
    const random = this.#random;
    const count = random.pick([0, 1, 1, 1, 2, 5, 30]);
    if (count === 0) return [];
    return [`Cookie: ${Array.from({ length: count }, () => this.#pair()).join(random.pick(['; ', '; ', ';', ' ; ', ';; ', ', ']))}`];
  }

  #pair(): string {
    const random = this.#random;
    if (random.chance(3)) return `${random.pick(COOKIE_NAMES)}=${random.text(VALUE_CHARACTERS, random.pick([0, 10, 300]))}`;
    const real = random.pick(this.#options.cookies);
    return random.chance(4) ? real : this.#damaged(real);
  }

  /** A real cookie under another name, or with something of it changed. */
  #damaged(pair: string): string {
    const random = this.#random;
    const split = pair.indexOf('=');
    const value = pair.slice(split + 1);
    const at = random.integer(value.length);
    const name = random.chance(3) ? random.pick(COOKIE_NAMES) : pair.slice(0, split);
    const changed = random.pick([
      value.slice(0, at),
      value.slice(at),
      value.slice(0, at) + random.text(VALUE_CHARACTERS, 3) + value.slice(at + 1),
      value + random.text(VALUE_CHARACTERS, 3),
      value.slice(at) + value.slice(0, at),
      value.toUpperCase(),
      value.replaceAll('*', random.pick(['', '**', '.', '~'])),
    ]);
    return `${name}=${changed}`;
  }

  #metadata(): string[] {
    const random = this.#random;
    if (random.chance(4)) return [];
    const site = random.pick(['same-origin', 'same-origin', 'none', 'cross-site', 'same-site', 'x']);
    const mode = random.pick(['navigate', 'navigate', 'cors', 'no-cors', 'websocket', 'x']);
    return [
      `Sec-Fetch-Site: ${site}`,
      `Sec-Fetch-Mode: ${mode}`,
      `Sec-Fetch-Dest: ${random.pick(['document', 'empty', 'iframe', 'image', 'x'])}`,
    ];
  }
}
