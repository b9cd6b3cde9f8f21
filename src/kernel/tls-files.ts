import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { errorCode } from './error-code.ts';

/** Authorities trusted besides the default ones; our certificate with its chain; its key. PEM. */
export const TLS_FILE_ROLES = ['caFile', 'certFile', 'keyFile'] as const;
export type TlsFileRole = (typeof TLS_FILE_ROLES)[number];

/** What is in the files that are there. */
export type TlsFileContents = Readonly<Partial<Record<TlsFileRole, string>>>;

/** What is wrong with which file and what helps; never anything that is in it. */
export interface TlsFileProblem {
  readonly role: TlsFileRole;
  readonly message: string;
}

// At the beginning of a line, as OpenSSL wants it. Also what has no end, as in a bundle that was cut off: OpenSSL would leave that out without a word.
const CERTIFICATES =
  /^\uFEFF?-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]*?(?:-----END (?:TRUSTED |X509 )?CERTIFICATE-----|(?![^]))/gm;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

const NO_CERTIFICATE = 'must hold PEM that begins with -----BEGIN CERTIFICATE----- (make it from DER with: openssl x509 -inform DER)';
const NO_KEY =
  'must hold a private key as PEM, which begins with -----BEGIN PRIVATE KEY----- (make it from DER with: openssl pkey -inform DER)';
const ENCRYPTED_KEY = 'must not be encrypted, as nobody is here to give the passphrase (decrypt it with: openssl pkey)';
const OTHER_KEY = 'must be the key of the first certificate in certFile';
const WRONG_ORDER = 'must begin with the certificate that keyFile belongs to; its chain follows';

/** Everything that keeps these files from being used for TLS, one problem for each file at most. Takes some milliseconds for each hundred certificates. */
export function tlsFileProblems({ caFile, certFile, keyFile }: TlsFileContents): readonly TlsFileProblem[] {
  const authorities = caFile === undefined ? [] : certificatesOf(caFile);
  const chain = certFile === undefined ? [] : ownChainOf(certFile);
  const key = keyFile === undefined ? undefined : keyOf(keyFile);
  return [
    ...problem('caFile', authorities),
    ...problem('certFile', chain),
    ...problem('keyFile', key),
    ...(typeof chain === 'string' || typeof key === 'string' || key === undefined ? [] : misfit(chain, key)),
  ];
}

/** Text in the place of what was asked for is what is wrong with it. */
const problem = (role: TlsFileRole, found: unknown): readonly TlsFileProblem[] =>
  typeof found === 'string' ? [{ role, message: found }] : [];

function misfit([own, ...others]: readonly X509Certificate[], key: KeyObject): readonly TlsFileProblem[] {
  if (own === undefined || own.checkPrivateKey(key)) return [];
  const isOfAnother = others.some((it) => it.checkPrivateKey(key));
  return [isOfAnother ? { role: 'certFile', message: WRONG_ORDER } : { role: 'keyFile', message: OTHER_KEY }];
}

/** OpenSSL takes text without a certificate for none at all. */
function certificatesOf(pem: string): readonly X509Certificate[] | string {
  const blocks = pem.match(CERTIFICATES) ?? [];
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      // Which of its words OpenSSL stumbled over does not help; which certificate it is does.
      return `holds a certificate that is damaged (number ${String(certificates.length + 1)} of ${String(blocks.length)}); write that one anew`;
    }
  }
  return certificates.length === 0 ? NO_CERTIFICATE : certificates;
}

/** What we show must also be good enough for OpenSSL's security level. */
function ownChainOf(pem: string): readonly X509Certificate[] | string {
  const certificates = certificatesOf(pem);
  if (typeof certificates === 'string') return certificates;
  try {
    createSecureContext({ cert: pem });
    return certificates;
  } catch (error) {
    return `is not good enough for TLS (OpenSSL says ${errorCode(error) ?? 'no more'}); have a certificate issued that is`;
  }
}

function keyOf(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's words about a key are not for a log.
    return ENCRYPTED.test(pem) ? ENCRYPTED_KEY : NO_KEY;
  }
}
