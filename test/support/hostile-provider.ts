import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export type Endpoint = 'discovery' | 'jwks' | 'token' | 'userinfo' | 'revocation';

/** A whole answer, or a way to give none: `reset` closes the socket, `hang` never answers. */
export type Answer = { status?: number; headers?: Record<string, string>; json?: unknown; text?: string } | 'reset' | 'hang';

export interface Received {
  readonly endpoint: Endpoint;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** A small OpenID provider that lies on demand: a test may replace every answer. It decides nothing and checks nothing. */
export class HostileProvider {
  readonly clientId = 'cloakroom';
  readonly received: Received[] = [];
  /** Replaced answers; an endpoint that is not in here answers honestly. */
  readonly answers = new Map<Endpoint, Answer | ((received: Received) => Answer | Promise<Answer>)>();
  keys: SigningKey[];
  readonly #path: string;
  #server: Server | undefined;
  #port = 0;

  private constructor(path: string, key: SigningKey) {
    this.#path = path;
    this.keys = [key];
  }

  /** Listens on a free loopback port unless `listening: false`, which reserves the port and refuses connections. */
  static async create({ path = '', listening = true }: { path?: string; listening?: boolean } = {}): Promise<HostileProvider> {
    const provider = new HostileProvider(path, await signingKey('ES256', 'key-1'));
    await provider.start();
    if (!listening) await provider.stop();
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#port}${this.#path}`;
  }

  get metadata(): Record<string, unknown> {
    const base = this.issuer.replace(/\/$/, '');
    return {
      issuer: this.issuer,
      authorization_endpoint: `${base}/v1/authorize`,
      token_endpoint: `${base}/v1/token`,
      jwks_uri: `${base}/v1/keys`,
      userinfo_endpoint: `${base}/v1/userinfo`,
      revocation_endpoint: `${base}/v1/revoke`,
      end_session_endpoint: `${base}/v1/logout`,
      id_token_signing_alg_values_supported: ['RS256', 'ES256', 'PS256', 'EdDSA', 'HS256', 'none'],
      response_types_supported: ['code'],
    };
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#handle(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  count(endpoint: Endpoint): number {
    return this.received.filter((entry) => entry.endpoint === endpoint).length;
  }

  last(endpoint: Endpoint): Received {
    const entry = this.received.findLast((candidate) => candidate.endpoint === endpoint);
    if (entry === undefined) throw new Error(`the provider was never asked at ${endpoint}`);
    return entry;
  }

  /** An ID token that is good unless told otherwise; `undefined` removes a claim. */
  async idToken(claims: Record<string, unknown> = {}, sign: { key?: SigningKey; header?: Record<string, unknown> } = {}): Promise<string> {
    const key = sign.key ?? this.keys[0];
    if (key === undefined) throw new Error('the provider has no key');
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: this.issuer, aud: this.clientId, sub: 'alice', iat: now, exp: now + 300, nonce: 'nonce-1' };
    const payload = JSON.parse(JSON.stringify({ ...good, ...claims })) as JWTPayload;
    return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...sign.header }).sign(key.privateKey);
  }

  /** Makes the token endpoint answer with these members over the usual ones; `undefined` removes one. */
  answerTokens(members: Record<string, unknown>): void {
    this.answers.set('token', async () => ({ json: { ...(await this.#tokens()), ...members } }));
  }

  async #tokens(): Promise<Record<string, unknown>> {
    return {
      access_token: 'access-1',
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: 'refresh-1',
      scope: 'openid profile offline_access',
      id_token: await this.idToken(),
    };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const endpoint = this.#endpointOf(request.url ?? '');
    if (endpoint === undefined) return void response.writeHead(404).end();
    const received = { endpoint, headers: request.headers, form: new URLSearchParams(Buffer.concat(chunks).toString()) };
    this.received.push(received);
    const replaced = this.answers.get(endpoint);
    const answer =
      replaced === undefined ? await this.#honest(endpoint) : typeof replaced === 'function' ? await replaced(received) : replaced;
    if (answer === 'hang') return;
    if (answer === 'reset') return void request.socket.resetAndDestroy();
    const type = answer.text === undefined ? 'application/json' : 'text/html';
    response.writeHead(answer.status ?? 200, { 'content-type': type, ...answer.headers });
    response.end(answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json)));
  }

  async #honest(endpoint: Endpoint): Promise<Answer> {
    switch (endpoint) {
      case 'discovery':
        return { json: this.metadata };
      case 'jwks':
        return { json: { keys: this.keys.map((key) => key.jwk) } };
      case 'token':
        return { json: await this.#tokens() };
      case 'userinfo':
        return { json: { sub: 'alice', name: 'Alice', email: 'alice@example.com' } };
      case 'revocation':
        return { status: 200 };
    }
  }

  #endpointOf(target: string): Endpoint | undefined {
    const path = target.replace(/\?.*/, '').slice(this.#path.replace(/\/$/, '').length);
    const endpoints: Record<string, Endpoint> = {
      '/.well-known/openid-configuration': 'discovery',
      '/v1/keys': 'jwks',
      '/v1/token': 'token',
      '/v1/userinfo': 'userinfo',
      '/v1/revoke': 'revocation',
    };
    return endpoints[path];
  }
}

export async function signingKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}
