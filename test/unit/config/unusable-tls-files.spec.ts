import { describe, expect, it } from '@jest/globals';
import { loopbackCertificate } from '../../support/loopback-certificate.ts';
import { pathsOf, problems, TLS_FILES, yamlOf } from './sample.ts';

const files = { ...TLS_FILES, '/tls/other.key': loopbackCertificate(Date.now()).key, '/tls/page': '<!doctype html>', '/tls/empty': '' };

const PAIR = 'certFile: /tls/client.pem, keyFile: /tls/client.key';
const OTHER_KEY = 'certFile: /tls/client.pem, keyFile: /tls/other.key';
/** Routes to one upstream, each with TLS of its own. */
const routes = (...tls: readonly string[]): string =>
  yamlOf({ routes: `[${tls.map((it, at) => `{ path: /r${String(at)}, upstream: https://api, tls: { ${it} } }`).join(', ')}]` });

describe('certificate files', () => {
  it('are complained of by key, with what helps', () => {
    expect(problems({ yaml: routes(PAIR, PAIR, OTHER_KEY), files })).toEqual([
      'routes[2].tls.keyFile: must be the key of the first certificate in certFile',
    ]);
  });

  it('are complained of once for each route that names them, also where routes share an upstream', () => {
    expect(pathsOf({ yaml: routes(OTHER_KEY, OTHER_KEY, PAIR, 'caFile: /tls/page'), files })).toEqual([
      'routes[0].tls.keyFile',
      'routes[1].tls.keyFile',
      'routes[3].tls.caFile',
    ]);
  });

  it('are all judged in one go, beside those that cannot be read and whatever else is wrong', () => {
    const yaml = routes('caFile: /tls/empty, certFile: /tls/absent, keyFile: /tls/page, serverName: "https://a"', `${OTHER_KEY}, caFil: x`);
    expect(pathsOf({ yaml, files })).toEqual([
      'routes[0].tls.certFile',
      'routes[1].tls.caFil',
      'routes[0].tls.serverName',
      'routes[0].tls.caFile',
      'routes[0].tls.keyFile',
      'routes[1].tls.keyFile',
    ]);
  });

  it('are as strictly read for the provider', () => {
    const yaml = yamlOf({ provider: '{ issuer: https://id.example.com, clientId: app, clientSecret: s, caFile: /tls/page }' });
    expect(pathsOf({ yaml, files })).toEqual(['provider.caFile']);
  });

  it('may be named by the environment', () => {
    const env = { CLOAKROOM_ROUTES: '/api=https://api', CLOAKROOM_ROUTES_0_TLS_CA_FILE: '/tls/page' };
    expect(pathsOf({ yaml: yamlOf(), env, files })).toEqual(['routes[0].tls.caFile']);
  });
});
