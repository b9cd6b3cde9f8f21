import { createSecureContext, getCACertificates, type SecureContext, type SecureVersion } from 'node:tls';
import { tlsFileProblems, type TlsFileContents, type TlsFileRole } from './tls-files.ts';

/** What is wrong with which file; never what is in it. */
export class UnusableTlsFile extends Error {
  readonly role: TlsFileRole;
  readonly problem: string;

  constructor(role: TlsFileRole, problem: string) {
    super(`tls.${role} ${problem}`);
    this.role = role;
    this.problem = problem;
  }
}

/**
 * What a TLS client trusts and shows. Throws UnusableTlsFile for contents that are not PEM or do not fit together.
 * With authorities of its own this takes some milliseconds: it is for once after every change, not for every connection.
 */
export function tlsContext(contents: TlsFileContents, minVersion: SecureVersion): SecureContext {
  const [problem] = tlsFileProblems(contents);
  if (problem !== undefined) throw new UnusableTlsFile(problem.role, problem.message);
  const { caFile, certFile, keyFile } = contents;
  return createSecureContext({
    minVersion,
    ...(caFile !== undefined && { ca: [...getCACertificates('default'), caFile] }),
    ...(certFile !== undefined && { cert: certFile }),
    ...(keyFile !== undefined && { key: keyFile }),
  });
}
