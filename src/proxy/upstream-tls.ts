import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls';
import { FromFiles, UnreadableFile } from '../kernel/from-files.ts';
import type { Logger } from '../kernel/logger.ts';
import { tlsContext, UnusableTlsFile } from '../kernel/tls-context.ts';
import { TLS_FILE_ROLES, type TlsFileRole } from '../kernel/tls-files.ts';
import type { DialTls } from './dial.ts';

/** TLS to one upstream, as the configuration gives it. Files are PEM. */
export interface UpstreamTlsOptions {
  /** Authorities that are trusted besides the default ones. */
  readonly caFile?: string | undefined;
  /** The name expected in the certificate; absent: the upstream's host. */
  readonly serverName?: string | undefined;
  /** The client certificate with its chain, and its key: both or none. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly minVersion: SecureVersion;
  /** Any certificate will do. */
  readonly insecureSkipVerify: boolean;
}

export interface UpstreamTlsContext {
  /** For the log. */
  readonly origin: string;
  readonly logger: Logger;
}

type Files = readonly { readonly role: TlsFileRole; readonly name: string }[];

/** The options as a dialer wants them. Throws when the files cannot be used; once they were, the last good ones stay in use. */
export function upstreamTls(options: UpstreamTlsOptions, context: UpstreamTlsContext): DialTls {
  const { serverName, insecureSkipVerify } = options;
  const files = TLS_FILE_ROLES.flatMap((role) => (options[role] === undefined ? [] : [{ role, name: options[role] }]));
  if (files.length > 0) {
    const credentials = credentialsOf(files, options.minVersion, context);
    return { serverName, insecureSkipVerify, context: () => credentials.current() };
  }
  const fixed = createSecureContext({ minVersion: options.minVersion });
  return { serverName, insecureSkipVerify, context: () => fixed };
}

/** Trust and client certificate, read again when their files have changed since the last connection was made. */
function credentialsOf(files: Files, minVersion: SecureVersion, { origin, logger }: UpstreamTlsContext): FromFiles<SecureContext> {
  const roles = files.map(({ role }) => role);
  return new FromFiles({
    names: files.map(({ name }) => name),
    make: (contents) => tlsContext(Object.fromEntries(roles.map((role, index) => [role, contents[index]])), minVersion),
    onRenewed: () => logger.info('upstream_certificates_renewed', { origin }),
    onUnusable: (error) => {
      const { file, problem } = complaint(error, roles);
      logger.warn('upstream_certificates_unusable', { origin, file, problem });
    },
  });
}

function complaint(error: unknown, roles: readonly TlsFileRole[]): { readonly file: string; readonly problem: string } {
  if (error instanceof UnusableTlsFile) return { file: error.role, problem: error.problem };
  if (error instanceof UnreadableFile) return { file: roles[error.index] ?? 'unknown', problem: error.message };
  return { file: 'unknown', problem: 'unknown' };
}
