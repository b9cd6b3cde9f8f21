import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { tlsFileProblems, type TlsFileContents } from '../../../src/kernel/tls-files.ts';
import { loopbackCertificate } from '../../support/loopback-certificate.ts';

const NOW = Date.now();
const authority = loopbackCertificate(NOW, { name: 'authority', hosts: [] });
const own = loopbackCertificate(NOW, { name: 'us', issuer: authority });
const other = loopbackCertificate(NOW, { name: 'other' });
const weak = loopbackCertificate(NOW, { name: 'weak', curve: 'P-192' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

const latin1 = (der: Buffer): string => der.toString('latin1');
const withoutEnd = (pem: string): string => pem.slice(0, 200);
const encrypted = (type: 'pkcs1' | 'pkcs8'): string => rsa.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' });

const found = (contents: TlsFileContents): readonly string[] => tlsFileProblems(contents).map(({ role, message }) => `${role} ${message}`);

const NO_CERTIFICATE = 'must hold PEM that begins with -----BEGIN CERTIFICATE----- (make it from DER with: openssl x509 -inform DER)';
const NO_KEY =
  'must hold a private key as PEM, which begins with -----BEGIN PRIVATE KEY----- (make it from DER with: openssl pkey -inform DER)';
const ENCRYPTED = 'must not be encrypted, as nobody is here to give the passphrase (decrypt it with: openssl pkey)';
const OTHER_KEY = 'must be the key of the first certificate in certFile';
const damaged = (at: number, of: number): string =>
  `holds a certificate that is damaged (number ${String(at)} of ${String(of)}); write that one anew`;

describe('files for TLS', () => {
  it.each<[string, TlsFileContents]>([
    ['none', {}],
    ['authorities', { caFile: authority.cert + other.cert }],
    ['authorities with text around them', { caFile: `# first\n${authority.cert}# second\n${other.cert}` }],
    [
      'the labels of older tools',
      { caFile: authority.cert.replaceAll('CERT', 'TRUSTED CERT') + other.cert.replaceAll('CERT', 'X509 CERT') },
    ],
    ['lines that end as on Windows, behind a byte order mark', { caFile: `\uFEFF${authority.cert.replaceAll('\n', '\r\n')}` }],
    ['a certificate and its key', { certFile: own.cert, keyFile: own.key }],
    ['a certificate with its chain', { certFile: own.cert + authority.cert, keyFile: own.key }],
    ['one file for both', { certFile: own.key + own.cert, keyFile: own.key + own.cert }],
    ['half a pair', { certFile: own.cert }],
    ['the other half', { keyFile: own.key }],
    ['a key in the form of its algorithm', { keyFile: rsa.export({ type: 'pkcs1', format: 'pem' }) }],
  ])('may be %s', (_, contents) => {
    expect(found(contents)).toEqual([]);
  });

  it.each<[string, TlsFileContents, string]>([
    ['nothing', { caFile: '' }, `caFile ${NO_CERTIFICATE}`],
    ['a page', { caFile: '<!doctype html>' }, `caFile ${NO_CERTIFICATE}`],
    ['DER', { caFile: latin1(new X509Certificate(authority.cert).raw) }, `caFile ${NO_CERTIFICATE}`],
    ['a key', { caFile: own.key }, `caFile ${NO_CERTIFICATE}`],
    ['indented lines', { caFile: authority.cert.replaceAll(/^/gm, '  ') }, `caFile ${NO_CERTIFICATE}`],
    ['other bytes', { caFile: authority.cert.replace(/\n.{20}/, `\n${'A'.repeat(20)}`) }, `caFile ${damaged(1, 1)}`],
    ['a bundle cut off', { caFile: authority.cert + other.cert + withoutEnd(own.cert) }, `caFile ${damaged(3, 3)}`],
    ['a bundle with a hole', { caFile: `${authority.cert}${withoutEnd(own.cert)}\n${other.cert}` }, `caFile ${damaged(2, 2)}`],
    ['no certificate beside a key', { certFile: 'nonsense', keyFile: own.key }, `certFile ${NO_CERTIFICATE}`],
    ['a chain cut off', { certFile: own.cert + withoutEnd(authority.cert), keyFile: own.key }, `certFile ${damaged(2, 2)}`],
    ['a key that is none', { certFile: own.cert, keyFile: 'nonsense' }, `keyFile ${NO_KEY}`],
    ['a certificate as key', { certFile: own.cert, keyFile: own.cert }, `keyFile ${NO_KEY}`],
    [
      'a key in DER',
      { certFile: own.cert, keyFile: latin1(createPrivateKey(own.key).export({ type: 'pkcs8', format: 'der' })) },
      `keyFile ${NO_KEY}`,
    ],
    ['an encrypted key', { certFile: own.cert, keyFile: encrypted('pkcs8') }, `keyFile ${ENCRYPTED}`],
    ['one encrypted as it was before PKCS #8', { certFile: own.cert, keyFile: encrypted('pkcs1') }, `keyFile ${ENCRYPTED}`],
    ['the key of another certificate', { certFile: own.cert, keyFile: other.key }, `keyFile ${OTHER_KEY}`],
    ['a key of another kind', { certFile: own.cert, keyFile: rsa.export({ type: 'pkcs8', format: 'pem' }) }, `keyFile ${OTHER_KEY}`],
    [
      'a chain in the wrong order',
      { certFile: authority.cert + own.cert, keyFile: own.key },
      'certFile must begin with the certificate that keyFile belongs to; its chain follows',
    ],
    [
      'a certificate that OpenSSL would not show',
      { certFile: weak.cert, keyFile: weak.key },
      'certFile is not good enough for TLS (OpenSSL says ERR_SSL_EE_KEY_TOO_SMALL); have a certificate issued that is',
    ],
  ])('cannot be used with %s', (_, contents, problem) => {
    expect(found(contents)).toEqual([problem]);
  });

  it('are all complained of at once', () => {
    expect(found({ caFile: 'nonsense', certFile: 'nonsense', keyFile: encrypted('pkcs8') })).toEqual([
      `caFile ${NO_CERTIFICATE}`,
      `certFile ${NO_CERTIFICATE}`,
      `keyFile ${ENCRYPTED}`,
    ]);
  });
});
