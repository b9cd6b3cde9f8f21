import { describe, expect, it } from '@jest/globals';
import { discoveryUrl, readMetadata, staticDocument } from '../../../src/oidc/metadata-document.ts';

const ISSUER = 'https://id.example.com/oauth2/default';
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/v1/authorize`,
  token_endpoint: `${ISSUER}/v1/token`,
  jwks_uri: `${ISSUER}/v1/keys`,
};

describe('the discovery URL', () => {
  it.each([
    ['https://id.example.com', 'https://id.example.com/.well-known/openid-configuration'],
    ['https://id.example.com/', 'https://id.example.com/.well-known/openid-configuration'],
    ['https://id.example.com/oauth2/default', 'https://id.example.com/oauth2/default/.well-known/openid-configuration'],
    ['https://id.example.com/realms/a/', 'https://id.example.com/realms/a/.well-known/openid-configuration'],
  ])('of %s is %s', (issuer, url) => {
    expect(discoveryUrl(issuer)).toBe(url);
  });
});

describe('readMetadata', () => {
  it('takes required and optional endpoints', () => {
    const reading = readMetadata(
      { ...METADATA, end_session_endpoint: `${ISSUER}/out`, authorization_response_iss_parameter_supported: true },
      ISSUER,
      {},
    );
    expect(reading).toMatchObject({
      kind: 'document',
      document: { tokenEndpoint: `${ISSUER}/v1/token`, endSessionEndpoint: `${ISSUER}/out`, issPromised: true },
    });
    expect(reading.kind === 'document' && 'userinfoEndpoint' in reading.document).toBe(false);
  });

  it.each([`${ISSUER}/`, 'https://ID.example.com/oauth2/default', 'https://id.example.com:443/oauth2/default', undefined, [ISSUER]])(
    'refuses the issuer %j, which is not exactly the configured one',
    (issuer) => {
      expect(readMetadata({ ...METADATA, issuer }, ISSUER, {})).toEqual({ kind: 'misconfigured', cause: 'issuer_mismatch' });
    },
  );

  it.each([
    ['token_endpoint', undefined],
    ['token_endpoint', ''],
    ['token_endpoint', 'http://id.example.com/v1/token'],
    ['token_endpoint', '/v1/token'],
    ['jwks_uri', 'file:///etc/keys'],
    ['authorization_endpoint', 'javascript:alert(1)'],
    ['authorization_endpoint', 'https://user:pass@id.example.com/'],
  ])('refuses %s %j', (name, value) => {
    expect(readMetadata({ ...METADATA, [name]: value }, ISSUER, {})).toEqual({ kind: 'misconfigured', cause: 'endpoint_missing' });
  });

  it('allows http endpoints only below an http issuer', () => {
    const local = { ...METADATA, issuer: 'http://127.0.0.1:1', token_endpoint: 'http://127.0.0.1:1/t' };
    expect(readMetadata(local, 'http://127.0.0.1:1', {}).kind).toBe('document');
  });

  it('leaves out an optional endpoint that is not usable', () => {
    const reading = readMetadata({ ...METADATA, revocation_endpoint: 'http://id.example.com/revoke' }, ISSUER, {});
    expect(reading.kind === 'document' && 'revocationEndpoint' in reading.document).toBe(false);
  });

  it('prefers a configured endpoint', () => {
    const reading = readMetadata(METADATA, ISSUER, { token: 'https://gateway.example.com/token' });
    expect(reading).toMatchObject({ document: { tokenEndpoint: 'https://gateway.example.com/token' } });
  });

  it('takes a configured endpoint on this machine as it is', () => {
    const reading = readMetadata(METADATA, ISSUER, { userinfo: 'http://127.0.0.1:9000/userinfo' });
    expect(reading).toMatchObject({ document: { userinfoEndpoint: 'http://127.0.0.1:9000/userinfo' } });
  });

  it('accepts of the published algorithms the asymmetric ones', () => {
    const reading = readMetadata({ ...METADATA, id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256', 'ES256'] }, ISSUER, {});
    expect(reading).toMatchObject({ document: { algorithms: ['RS256', 'ES256'] } });
  });

  it('calls a provider that signs with nothing asymmetric misconfigured', () => {
    const reading = readMetadata({ ...METADATA, id_token_signing_alg_values_supported: ['none', 'HS256'] }, ISSUER, {});
    expect(reading).toEqual({ kind: 'misconfigured', cause: 'no_asymmetric_algorithm' });
  });
});

describe('staticDocument', () => {
  it('needs authorization, token and keys', () => {
    const all = { authorization: 'https://a', token: 'https://t', jwks: 'https://k' };
    expect(staticDocument(ISSUER, all)).toMatchObject({ jwksUri: 'https://k', issPromised: false });
    expect(staticDocument(ISSUER, { authorization: 'https://a', token: 'https://t' })).toBeUndefined();
  });
});
