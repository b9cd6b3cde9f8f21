import { describe, expect, it } from '@jest/globals';
import { ClientSecretBasic } from 'openid-client';
import { Secret } from '../../../src/kernel/secret.ts';
import { clientAuthentication } from '../../../src/oidc/client-authentication.ts';

type Method = Parameters<typeof clientAuthentication>[0]['clientAuthMethod'];

const authenticated = (clientAuthMethod: Method, clientId: string, secret: string, basicEncoding: 'form' | 'raw' = 'form') => {
  const [body, headers] = [new URLSearchParams(), new Headers()];
  clientAuthentication({ clientId, clientSecret: new Secret(secret), clientAuthMethod, basicEncoding })({}, {}, body, headers);
  return { body: Object.fromEntries(body), basic: Buffer.from((headers.get('authorization') ?? '').slice(6), 'base64').toString() };
};

describe('client authentication', () => {
  it.each([
    ['app', 'plain'],
    ['a p:p', "-_.!~*'()"],
    ['%', 'ü+/=& €'],
  ])('encodes the Basic credentials of %s as openid-client does', (client_id, secret) => {
    const headers = new Headers();
    ClientSecretBasic(secret)({ issuer: 'https://id.example.com' }, { client_id }, new URLSearchParams(), headers);
    const expected = Buffer.from((headers.get('authorization') ?? '').slice(6), 'base64').toString();
    expect(authenticated('client_secret_basic', client_id, secret)).toEqual({ body: {}, basic: expected });
  });

  it('leaves the Basic credentials as they are when told so', () => {
    expect(authenticated('client_secret_basic', 'a-b', '~ü', 'raw')).toEqual({ body: {}, basic: 'a-b:~ü' });
  });

  it('puts both into the body, or the id alone', () => {
    expect(authenticated('client_secret_post', 'app', 's')).toEqual({ body: { client_id: 'app', client_secret: 's' }, basic: '' });
    expect(authenticated('none', 'app', 's')).toEqual({ body: { client_id: 'app' }, basic: '' });
  });

  it.each(['client_secret_basic', 'client_secret_post'] as const)('by %s needs a secret', (method) => {
    expect(() => authenticated(method, 'app', '')).toThrow('needs a secret');
  });
});
