import { randomBytes } from 'node:crypto';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { Behaviour } from './configuration.ts';

interface Exchange {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly requested_token_type?: string;
  readonly resource?: string;
  readonly audience?: string;
  readonly scope?: string;
}

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PARAMS = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'audience', 'scope'];

/** An audience that nobody gets a token for. */
export const FORBIDDEN_AUDIENCE = 'forbidden';

/** Teaches oidc-provider to exchange access tokens (RFC 8693). For opaque ones: those are looked up, and their user must still be signed in. */
export function registerTokenExchange(provider: Provider, behaviour: Behaviour): void {
  provider.registerGrantType<Exchange>(TOKEN_EXCHANGE, (ctx) => exchange(ctx, provider, behaviour), PARAMS, []);
}

async function exchange(ctx: TokenEndpointGrantContext<Exchange>, provider: Provider, behaviour: Behaviour): Promise<void> {
  const { subject_token: subject = '', subject_token_type: type, audience, scope } = ctx.oidc.params;
  const token = await provider.AccessToken.find(subject);
  if (type !== ACCESS_TOKEN || token === undefined) {
    refuse(ctx, 'invalid_request');
    return;
  }
  if (audience === FORBIDDEN_AUDIENCE) {
    refuse(ctx, 'invalid_target');
    return;
  }
  ctx.body = {
    access_token: randomBytes(32).toString('base64url'),
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: behaviour.accessTokenTtl,
    ...(scope === undefined ? {} : { scope }),
  };
}

function refuse(ctx: TokenEndpointGrantContext<Exchange>, error: string): void {
  ctx.status = 400;
  ctx.body = { error };
}
