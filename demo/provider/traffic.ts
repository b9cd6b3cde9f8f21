import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { fingerprintOf } from '../api/received-request.ts';
import { endpointAt, type Endpoint } from './endpoints.ts';
import type { Fault, FaultPlan } from './faults.ts';
import type { ClientAuthMethod } from './options.ts';
import type { IssuedToken, ProviderStats, TokenRequestRecord } from './stats.ts';

/** `oidc` is missing where no route matched, such as GET on the token endpoint. */
type Context = Parameters<Parameters<Provider['use']>[0]>[0] & { oidc?: KoaContextWithOIDC['oidc'] };
type Next = () => Promise<unknown>;
type Params = Readonly<Record<string, unknown>>;

/** Everything on its way in and out: counts it, enforces the client's authentication method, and makes it fail as planned. */
export class Traffic {
  readonly #stats: ProviderStats;
  readonly #faults: FaultPlan;
  readonly #clientAuthMethod: ClientAuthMethod;
  #tokenQueue: Promise<unknown> = Promise.resolve();

  constructor(options: { stats: ProviderStats; faults: FaultPlan; clientAuthMethod: ClientAuthMethod }) {
    this.#stats = options.stats;
    this.#faults = options.faults;
    this.#clientAuthMethod = options.clientAuthMethod;
  }

  /** Koa middleware around oidc-provider. */
  async handle(ctx: Context, next: Next): Promise<void> {
    const endpoint = endpointAt(ctx.path);
    if (endpoint === undefined) {
      await next();
      return;
    }
    this.#stats.countHit(endpoint);
    const fault = this.#faults.take(endpoint);
    if (fault !== undefined && !isAfter(fault) && (await this.#spoil(ctx, endpoint, fault))) return;
    const refused = await this.#carryOut(ctx, endpoint, next);
    if (fault !== undefined && isAfter(fault)) await applyFault(ctx, fault);
    this.#record(ctx, endpoint, refused ?? ctx.oidc?.body ?? {});
  }

  /** Applies a fault that comes before the provider; true when the request ends with it. */
  async #spoil(ctx: Context, endpoint: Endpoint, fault: Fault): Promise<boolean> {
    if (fault.kind === 'limit' && fault.limit.take()) return false;
    if (fault.kind === 'delay' || fault.kind === 'gate') {
      await applyFault(ctx, fault);
      return false;
    }
    const params = await readParams(ctx);
    await applyFault(ctx, fault);
    this.#record(ctx, endpoint, params);
    return true;
  }

  /** The parameters of a request that was refused before oidc-provider saw (and read) it. */
  async #carryOut(ctx: Context, endpoint: Endpoint, next: Next): Promise<Params | undefined> {
    if ((endpoint === 'token' || endpoint === 'revocation') && !this.#authMethodFits(ctx)) {
      const params = await readParams(ctx);
      refuse(ctx, 401, 'invalid_client');
      return params;
    }
    // One at a time: of two requests with the same one-time token exactly one may win, as in a real provider's database.
    const turn = endpoint === 'token' ? this.#tokenQueue.then(next) : next();
    if (endpoint === 'token') this.#tokenQueue = turn.catch(() => undefined); // the error belongs to the request that met it
    await turn;
    if (endpoint === 'token') nameForbiddenGrant(ctx);
    return undefined;
  }

  /** oidc-provider takes Basic and post alike; real providers often do not. */
  #authMethodFits(ctx: Context): boolean {
    const basic = ctx.get('authorization') !== '';
    return this.#clientAuthMethod === 'client_secret_basic' ? basic : !basic;
  }

  #record(ctx: Context, endpoint: Endpoint, params: Params): void {
    if (endpoint === 'authorization') this.#stats.authorizations.push(Object.fromEntries(new URLSearchParams(ctx.querystring)));
    else if (endpoint === 'end_session') this.#stats.endSessions.push(Object.fromEntries(new URLSearchParams(ctx.querystring)));
    else if (endpoint === 'token') this.#recordToken(ctx, params);
    else if (endpoint === 'revocation') this.#stats.revocations.push(revocation(ctx, params));
  }

  #recordToken(ctx: Context, params: Params): void {
    this.#stats.recordTokenRequest(tokenRequest(ctx, params));
    const issued = issuedToken(ctx, params);
    if (issued !== undefined) this.#stats.issued.push(issued);
  }
}

function issuedToken(ctx: Context, params: Params): IssuedToken | undefined {
  const fingerprint = isObject(ctx.body) ? fingerprintIn(ctx.body['access_token']) : undefined;
  if (fingerprint === undefined) return undefined;
  const { grant_type: grantType, resource, audience, scope, subject_token: subject } = params;
  const target = { resource: asText(resource), audience: asText(audience), scope: asText(scope) };
  return { fingerprint, grantType: asText(grantType) ?? '', ...target, subject: fingerprintIn(subject) };
}

function isAfter(fault: Fault): boolean {
  return fault.kind === 'rewrite' || fault.when === 'after';
}

async function applyFault(ctx: Context, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case 'oauth-error':
      ctx.set(fault.headers ?? {});
      refuse(ctx, fault.status ?? 400, fault.error);
      return;
    case 'login-error':
      ctx.redirect(loginErrorUrl(ctx, fault.error));
      return;
    case 'status':
      ctx.set(fault.headers ?? {});
      answer(ctx, fault.status, fault.body ?? '');
      return;
    case 'limit':
      ctx.set(fault.headers ?? {});
      answer(ctx, 429, '');
      return;
    case 'garbage':
      answer(ctx, 200, fault.body ?? '<html>Service temporarily replaced by a page</html>');
      return;
    case 'hang':
      ctx.respond = false;
      return;
    case 'reset':
      ctx.respond = false;
      ctx.req.socket.destroy();
      return;
    case 'delay':
      await sleep(fault.ms);
      return;
    case 'gate':
      return fault.gate.pass();
    case 'rewrite':
      if (isObject(ctx.body)) ctx.body = fault.change(ctx.body);
  }
}

/** As RFC 6749 §5.2 has it, and Okta: oidc-provider calls it `invalid_request`. */
function nameForbiddenGrant(ctx: Context): void {
  if (!isObject(ctx.body) || ctx.body['error_description'] !== 'requested grant type is not allowed for this client') return;
  ctx.body = { ...ctx.body, error: 'unauthorized_client' };
}

function loginErrorUrl(ctx: Context, error: string): string {
  const asked = new URLSearchParams(ctx.querystring);
  const back = new URL(asked.get('redirect_uri') ?? '');
  for (const [name, value] of Object.entries({ error, error_description: 'as planned', state: asked.get('state') ?? '' })) {
    back.searchParams.set(name, value);
  }
  return back.href;
}

function refuse(ctx: Context, status: number, error: string): void {
  ctx.status = status;
  ctx.body = { error, error_description: 'as planned' };
}

function answer(ctx: Context, status: number, body: string): void {
  ctx.status = status;
  ctx.body = body;
}

async function readParams(ctx: Context): Promise<Params> {
  return Object.fromEntries(new URLSearchParams(await text(ctx.req)));
}

function tokenRequest(ctx: Context, params: Params): TokenRequestRecord {
  const error = isObject(ctx.body) ? asText(ctx.body['error']) : undefined;
  return {
    grantType: asText(params['grant_type']) ?? '',
    params: Object.keys(params),
    scope: asText(params['scope']),
    redirectUri: asText(params['redirect_uri']),
    clientAuth: clientAuthOf(ctx, params),
    status: answeredStatus(ctx),
    error,
  };
}

function revocation(ctx: Context, params: Params): ProviderStats['revocations'][number] {
  return { tokenTypeHint: asText(params['token_type_hint']), clientAuth: clientAuthOf(ctx, params), status: answeredStatus(ctx) };
}

function clientAuthOf(ctx: Context, params: Params): TokenRequestRecord['clientAuth'] {
  if (ctx.get('authorization') !== '') return 'client_secret_basic';
  return params['client_secret'] === undefined ? 'none' : 'client_secret_post';
}

const answeredStatus = (ctx: Context): number => (ctx.respond === false ? 0 : ctx.status);
const fingerprintIn = (token: unknown): string | undefined => (typeof token === 'string' ? fingerprintOf(token) : undefined);
const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
