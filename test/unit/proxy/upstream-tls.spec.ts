import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openUpstream } from '../../../src/proxy/upstream.ts';
import type { UpstreamTlsOptions } from '../../../src/proxy/upstream-tls.ts';
import { GET } from '../../contract/forwarder/case.ts';
import { ForwarderStage } from '../../contract/forwarder/stage.ts';
import { loopbackCertificate, type LoopbackCertificate } from '../../support/loopback-certificate.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { TlsUpstream } from '../../support/tls-upstream.ts';

const NOW = Date.now();
const HOUR = 3_600_000;
const authority = loopbackCertificate(NOW, { name: 'authority', hosts: [] });
const otherAuthority = loopbackCertificate(NOW, { name: 'other authority', hosts: [] });
const issued = loopbackCertificate(NOW, { name: 'upstream', issuer: authority });
const expired = loopbackCertificate(NOW, { name: 'expired', issuer: authority, until: NOW - HOUR });
const elsewhere = loopbackCertificate(NOW, { name: 'elsewhere', issuer: authority, hosts: ['api.example'] });
const selfSigned = loopbackCertificate(NOW);

const ORDINARY: UpstreamTlsOptions = { minVersion: 'TLSv1.2', insecureSkipVerify: false };
const served = ({ cert, key }: LoopbackCertificate): ServerOptions => ({ cert, key });
const encrypted = (key: string): string =>
  createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' });
/** What is wrong and what helps. */
const WORDS: unknown = expect.stringMatching(/^(?:must|holds|is not good enough|cannot be read)\b/);
/** Wants a certificate of the client. */
const mutual = (by: LoopbackCertificate): ServerOptions => ({
  ...served(issued),
  requestCert: true,
  rejectUnauthorized: true,
  ca: by.cert,
});

describe('TLS to an upstream', () => {
  let directory: string;
  let stage: ForwarderStage;
  let logger: RecordingLogger;
  let tls: UpstreamTlsOptions;
  let causes: string[];
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'upstream-tls-'));
    logger = new RecordingLogger();
    tls = ORDINARY;
    causes = [];
    stage = new ForwarderStage((origin, limits) => {
      const { requests } = openUpstream({ origin, tls, ...limits }, { ping: 25_000, logger });
      return {
        forward: (request, response, plan) =>
          requests.forward(request, response, {
            ...plan,
            onFailure: (failure, cause) => {
              causes.push(cause);
              plan.onFailure(failure, cause);
            },
          }),
        close: () => requests.close(),
      };
    });
  });

  afterEach(async () => {
    await stage.close();
    for (const close of closing.splice(0)) await close();
    rmSync(directory, { recursive: true });
  });

  const upstream = async (options: ServerOptions): Promise<TlsUpstream> => {
    const it = await TlsUpstream.start(options);
    closing.push(() => it.close());
    return it;
  };
  /** Put in place at once, as those who renew certificates do. */
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
    return path;
  };
  const trusting = (it: LoopbackCertificate): UpstreamTlsOptions => ({ ...ORDINARY, caFile: file('ca.pem', it.cert) });
  const showing = (it: LoopbackCertificate): UpstreamTlsOptions => ({
    ...trusting(authority),
    certFile: file('client.pem', it.cert),
    keyFile: file('client.key', it.key),
  });
  const refused = async (options: ServerOptions, host?: string): Promise<string[]> => {
    const it = await upstream(options);
    const answer = await stage.exchange(await stage.open(it.origin(host)), GET);
    expect([answer.status, answer.body, it.visits]).toEqual([502, 'upstream_unreachable', []]);
    return causes;
  };
  const accepted = async (it: TlsUpstream, host?: string): Promise<void> => {
    const answer = await stage.exchange(await stage.open(it.origin(host)), GET);
    expect([answer.status, causes]).toEqual([200, []]);
  };

  it('refuses a certificate that nobody vouches for', async () => {
    expect(await refused(served(selfSigned))).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT']);
  });

  it('refuses one of another authority than the one that is trusted', async () => {
    tls = trusting(otherAuthority);
    expect(await refused(served(issued))).toEqual(['UNABLE_TO_VERIFY_LEAF_SIGNATURE']);
  });

  it('refuses an expired one', async () => {
    tls = trusting(authority);
    expect(await refused(served(expired))).toEqual(['CERT_HAS_EXPIRED']);
  });

  it('refuses one for another host, whatever Host the request names', async () => {
    tls = trusting(authority);
    stage.plan = { headers: ['host', 'api.example'] };
    expect(await refused(served(elsewhere))).toEqual(['ERR_TLS_CERT_ALTNAME_INVALID']);
  });

  it('is not switched off by an environment variable', async () => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await refused(served(selfSigned))).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT']);
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });

  it('accepts a certificate of an authority of its own, by address and by name', async () => {
    tls = trusting(authority);
    const it = await upstream(served(issued));
    await accepted(it);
    await accepted(it, 'localhost');
    expect(it.visits.map(({ serverName }) => serverName)).toEqual([false, 'localhost']);
  });

  it('verifies the host that it connects to while the request keeps the public Host', async () => {
    tls = trusting(authority);
    stage.plan = { headers: ['host', 'app.example.com'] };
    const it = await upstream(served(issued));
    await accepted(it, 'localhost');
    expect(it.visits).toMatchObject([{ host: 'app.example.com', serverName: 'localhost' }]);
  });

  it('asks for another name where one is configured', async () => {
    tls = { ...trusting(authority), serverName: 'api.example' };
    const it = await upstream(served(elsewhere));
    await accepted(it);
    expect(it.visits).toMatchObject([{ host: `127.0.0.1:${String(it.port)}`, serverName: 'api.example' }]);
  });

  it('refuses a certificate of the host itself where another name is configured', async () => {
    tls = { ...trusting(authority), serverName: 'api.example' };
    expect(await refused(served(issued))).toEqual(['ERR_TLS_CERT_ALTNAME_INVALID']);
  });

  it('shows its certificate to an upstream that wants one', async () => {
    tls = showing(loopbackCertificate(NOW, { name: 'us', issuer: authority }));
    const it = await upstream(mutual(authority));
    await accepted(it);
    expect(it.visits).toMatchObject([{ client: 'us' }]);
  });

  it('is turned away by an upstream that wants one and gets none', async () => {
    tls = trusting(authority);
    // TLS 1.3 tells it only when the handshake is over on this side.
    expect(await refused(mutual(authority))).toHaveLength(1);
  });

  it('refuses a version that is too old', async () => {
    tls = { ...trusting(authority), minVersion: 'TLSv1.3' };
    expect(await refused({ ...served(issued), maxVersion: 'TLSv1.2' })).toEqual(['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']);
  });

  it('accepts the oldest version that is admitted', async () => {
    tls = trusting(authority);
    const it = await upstream({ ...served(issued), maxVersion: 'TLSv1.2' });
    await accepted(it);
    expect(it.visits).toMatchObject([{ protocol: 'TLSv1.2' }]);
  });

  it.each([
    ['self-signed', selfSigned],
    ['expired', expired],
    ['for another host', elsewhere],
  ])('accepts any certificate when it is told to skip that: %s', async (_, certificate) => {
    tls = { ...ORDINARY, insecureSkipVerify: true };
    await accepted(await upstream(served(certificate)));
  });

  describe('when files change', () => {
    it('trusts the new authority, and no longer the old one', async () => {
      tls = trusting(authority);
      const [before, after] = [await upstream(served(issued)), await upstream(served(selfSigned))];
      const [old, renewed] = [await stage.open(before.origin()), await stage.open(after.origin())];
      expect((await stage.exchange(old, GET)).status).toBe(200);
      expect((await stage.exchange(renewed, GET)).status).toBe(502);
      trusting(selfSigned);
      expect((await stage.exchange(renewed, GET)).status).toBe(200);
      expect((await stage.exchange(old, GET)).status).toBe(502);
      expect(logger.of('upstream_certificates_renewed').map(({ fields }) => fields)).toEqual([
        { origin: after.origin() },
        { origin: before.origin() },
      ]);
    });

    it('shows the new certificate', async () => {
      tls = showing(loopbackCertificate(NOW, { name: 'first', issuer: authority }));
      const it = await upstream(mutual(authority));
      const port = await stage.open(it.origin());
      await stage.exchange(port, GET);
      showing(loopbackCertificate(NOW, { name: 'second', issuer: authority }));
      await Promise.all([stage.exchange(port, GET), stage.exchange(port, GET)]);
      expect(it.visits.map(({ client }) => client)).toEqual(['first', 'second', 'second']);
      expect(logger.of('upstream_certificates_renewed')).toHaveLength(1);
    });

    it.each([
      ['authorities are nonsense', 'caFile', 'ca.pem', 'nonsense'],
      ['authorities are not there yet', 'caFile', 'ca.pem', ''],
      ['certificate is broken', 'certFile', 'client.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
      ['key is nonsense', 'keyFile', 'client.key', 'nonsense'],
      ['key is that of another certificate', 'keyFile', 'client.key', loopbackCertificate(NOW).key],
      ['key is encrypted', 'keyFile', 'client.key', encrypted(loopbackCertificate(NOW).key)],
      ['certificate is too weak', 'certFile', 'client.pem', loopbackCertificate(NOW, { curve: 'P-192' }).cert],
      ['key is gone', 'keyFile', 'client.key', undefined],
    ])('stays with the last good ones, and complains once, while the %s', async (_, role, name, content) => {
      tls = showing(loopbackCertificate(NOW, { name: 'first', issuer: authority }));
      const it = await upstream(mutual(authority));
      const port = await stage.open(it.origin());
      if (content === undefined) rmSync(join(directory, name));
      else file(name, content);
      await stage.exchange(port, GET);
      await stage.exchange(port, GET);
      expect(it.visits.map(({ client }) => client)).toEqual(['first', 'first']);
      expect(logger.lines).toEqual([
        { level: 'warn', event: 'upstream_certificates_unusable', fields: { origin: it.origin(), file: role, problem: WORDS } },
      ]);
      showing(loopbackCertificate(NOW, { name: 'second', issuer: authority }));
      await stage.exchange(port, GET);
      expect(it.visits.at(-1)?.client).toBe('second');
    });

    it('waits for the second half of a pair that is not renewed at once', async () => {
      tls = showing(loopbackCertificate(NOW, { name: 'first', issuer: authority }));
      const it = await upstream(mutual(authority));
      const port = await stage.open(it.origin());
      const second = loopbackCertificate(NOW, { name: 'second', issuer: authority });
      file('client.pem', second.cert);
      await stage.exchange(port, GET);
      file('client.key', second.key);
      await stage.exchange(port, GET);
      expect(it.visits.map(({ client }) => client)).toEqual(['first', 'second']);
    });
  });

  it('is not begun with files that cannot be used', async () => {
    tls = { ...ORDINARY, caFile: file('ca.pem', 'nonsense') };
    await expect(stage.open('https://127.0.0.1:1')).rejects.toThrow(/^tls\.caFile must hold PEM /);
  });
});
