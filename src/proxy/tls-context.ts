import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext, type SecureVersion } from 'node:tls';

/** Authorities trusted besides the default ones; our certificate with its chain; its key. PEM. */
export type TlsFileRole = 'caFile' | 'certFile' | 'keyFile';

/** What is wrong with which file; never what is in it. */
export class UnusableTlsFile extends Error {
  readonly role: TlsFileRole;

  constructor(role: TlsFileRole) {
    super(`tls.${role} cannot be used`);
    this.role = role;
  }
}

/**
 * What a TLS client trusts and shows. Throws UnusableTlsFile for contents that are not PEM or do not fit together.
 * With authorities of its own this takes some milliseconds: it is for once after every change, not for every connection.
 */
export function tlsContext(contents: Readonly<Partial<Record<TlsFileRole, string>>>, minVersion: SecureVersion): SecureContext {
  const { caFile, certFile, keyFile } = contents;
  if (caFile !== undefined) certificatesOf('caFile', caFile);
  if (certFile !== undefined && keyFile !== undefined) expectPair(certFile, keyFile);
  return createSecureContext({
    minVersion,
    ...(caFile !== undefined && { ca: [...getCACertificates('default'), caFile] }),
    ...(certFile !== undefined && { cert: certFile }),
    ...(keyFile !== undefined && { key: keyFile }),
  });
}

function expectPair(certFile: string, keyFile: string): void {
  const [own] = certificatesOf('certFile', certFile);
  if (own?.checkPrivateKey(keyOf(keyFile)) !== true) throw new UnusableTlsFile('keyFile');
}

/** OpenSSL takes text without a certificate for none at all. */
function certificatesOf(role: TlsFileRole, pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? [];
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    if (certificates.length > 0) return certificates;
  } catch {
    // Falls through: which of its words OpenSSL stumbled over does not help.
  }
  throw new UnusableTlsFile(role);
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's words about a key are not for the log.
    throw new UnusableTlsFile('keyFile');
  }
}
