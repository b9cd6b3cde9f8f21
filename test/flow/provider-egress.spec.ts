import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeSigningKeys, type SigningKeys } from '../../demo/provider/signing-keys.ts';
import { EgressProxy } from '../support/egress-proxy.ts';
import { openHouse, type House } from '../support/house.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { verdictOf } from '../support/wire.ts';

const certificate = loopbackCertificate(Date.now());
const stranger = loopbackCertificate(Date.now(), { name: 'stranger' });

let directory: string;
let house: House;
let keys: SigningKeys | undefined;

/** Put in place at once, as those who renew certificates do. */
function authorities(content: string): string {
  const path = join(directory, 'ca.pem');
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  return path;
}

async function open(provider: Readonly<Record<string, unknown>>): Promise<void> {
  keys ??= await makeSigningKeys();
  house = await openHouse({ provider: { tls: certificate, signingKeys: keys }, config: { provider } });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'provider-egress-'));
});
afterEach(async () => {
  await house.close();
  rmSync(directory, { recursive: true });
});

describe('a provider behind an authority of its own', () => {
  it('is not talked to while nobody vouches for it', async () => {
    await open({});
    const { page } = await house.newAgent().navigate('/bff/login');
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(house.provider.stats.hits).toEqual({});
    expect(house.log.of('provider_metadata_failed')[0]?.fields).toMatchObject({ cause: 'tls' });
  });

  it('serves login, refresh and logout when provider.caFile vouches for it', async () => {
    await open({ caFile: authorities(certificate.cert) });
    expect(house.provider.issuer).toMatch(/^https:/);
    const agent = house.newAgent();
    await agent.login('alice');
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect((await agent.fetch('/bff/logout', { method: 'POST' })).status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(1);
    expect(house.provider.stats.revocations).toMatchObject([{ status: 200 }]);
  });

  it('is trusted as soon as the file names its authority, and no longer once it does not, without a restart', async () => {
    const caFile = authorities(stranger.cert);
    await open({ caFile });
    const agent = house.newAgent();
    expect(verdictOf((await agent.navigate('/bff/login')).page)).toEqual([503, 'provider_unavailable']);
    house.clock.skip(1000);

    authorities(stranger.cert + certificate.cert);
    await agent.login('alice');
    expect(house.log.of('provider_certificates_renewed')).toHaveLength(1);

    authorities(stranger.cert);
    house.expireAccessToken();
    const hits = { ...house.provider.stats.hits };
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([503, 'provider_unavailable']);
    expect(house.provider.stats.hits).toEqual(hits);
    expect(house.log.of('provider_certificates_renewed')).toHaveLength(2);
  });

  it('stays trusted while the file is of no use, which is said once', async () => {
    await open({ caFile: authorities(certificate.cert) });
    const agent = house.newAgent();
    await agent.login('alice');
    authorities('-----BEGIN CERTIFICATE-----\nhalf');
    for (let i = 0; i < 3; i++) {
      house.expireAccessToken();
      expect((await agent.fetch('/api/orders')).status).toBe(200);
    }
    expect(house.log.of('provider_certificates_unusable').map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { file: 'caFile', problem: expect.stringMatching(/^holds a certificate that is damaged/) }],
    ]);
  });
});

describe('an egress proxy', () => {
  let proxy: EgressProxy;

  beforeEach(async () => {
    proxy = await EgressProxy.start();
    await open({ proxy: proxy.url, caFile: authorities(certificate.cert) });
  });
  afterEach(() => proxy.down());

  const target = (): string => new URL(house.provider.origin).host;

  it('carries discovery, keys, code exchange, refresh and revocation, each grant in a tunnel of its own', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    expect(house.provider.stats.hits).toMatchObject({ discovery: 1, jwks: 1, token: 1 });
    expect(proxy.tunnels).toEqual([target(), target()]); // discovery and keys share one
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(1);
    expect(proxy.tunnels).toHaveLength(3);
    await agent.fetch('/bff/logout', { method: 'POST' });
    expect(house.provider.stats.revocations).toMatchObject([{ status: 200 }]);
    expect(proxy.tunnels).toEqual(Array(4).fill(target()));
    expect(proxy.plain).toEqual([]);
  });

  it.each<[string, () => Promise<void>, () => Promise<void>]>([
    ['is down', () => proxy.down(), () => proxy.up()],
    [
      'refuses tunnels',
      async () => {
        proxy.refusal = 403;
        await house.app.stop(); // tunnels that are open stay open
        await house.reopen({});
      },
      async () => {
        proxy.refusal = undefined;
      },
    ],
  ])('that %s makes the provider unavailable: nothing goes around it, and no session is lost', async (_title, end, begin) => {
    const agent = house.newAgent();
    await agent.login('alice');
    await end();
    house.provider.stats.reset();
    house.expireAccessToken();
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([503, 'provider_unavailable']);
    expect(house.provider.stats.hits).toEqual({});
    await begin();
    house.clock.skip(60_000);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(1);
  });
});
