import { readFileSync, statSync, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls';
import type { Logger } from '../kernel/logger.ts';
import { TLS_FILE_ROLES, type TlsFileRole } from '../kernel/tls-files.ts';
import type { DialTls } from './dial.ts';
import { tlsContext, UnusableTlsFile } from './tls-context.ts';

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
    const credentials = new Credentials(files, options.minVersion, context);
    return { serverName, insecureSkipVerify, context: () => credentials.current() };
  }
  const fixed = createSecureContext({ minVersion: options.minVersion });
  return { serverName, insecureSkipVerify, context: () => fixed };
}

/** Trust and client certificate, read again when their files have changed since the last connection was made. */
class Credentials {
  readonly #files: Files;
  readonly #minVersion: SecureVersion;
  readonly #about: UpstreamTlsContext;
  #context: SecureContext;
  /** Of the files that are in use. */
  #stamp: string;
  /** Of the files that were complained of last. */
  #unusable: string | undefined;
  #looking: Promise<SecureContext> | undefined;

  constructor(files: Files, minVersion: SecureVersion, about: UpstreamTlsContext) {
    this.#files = files;
    this.#minVersion = minVersion;
    this.#about = about;
    this.#stamp = files.map(({ name }) => stampOf(statSync(name))).join();
    this.#context = tlsContext(Object.fromEntries(files.map(({ role, name }) => [role, readFileSync(name, 'utf8')])), minVersion);
  }

  /** Never rejects. Connections made at the same moment look once. */
  current(): Promise<SecureContext> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #look(): Promise<SecureContext> {
    const stamps = await Promise.all(this.#files.map(({ name }) => stat(name).then(stampOf, () => 'gone')));
    const stamp = stamps.join();
    if (stamp !== this.#stamp) await this.#renew(stamp);
    return this.#context;
  }

  async #renew(stamp: string): Promise<void> {
    const { origin, logger } = this.#about;
    try {
      const contents = await Promise.all(this.#files.map(async ({ role, name }) => [role, await textOf(role, name)] as const));
      this.#context = tlsContext(Object.fromEntries(contents), this.#minVersion);
      this.#stamp = stamp;
      logger.info('upstream_certificates_renewed', { origin });
    } catch (error) {
      // Tried again for every connection, as what was in the way may go; complained of once.
      if (this.#unusable === stamp) return;
      this.#unusable = stamp;
      const { role, problem } = error instanceof UnusableTlsFile ? error : { role: 'unknown', problem: 'unknown' };
      logger.warn('upstream_certificates_unusable', { origin, file: role, problem });
    }
  }
}

/** Another one for every other file under the name, also behind a symbolic link. */
const stampOf = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => [ino, size, mtimeMs, ctimeMs].join(':');

async function textOf(role: TlsFileRole, name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8');
  } catch {
    // That it cannot be read is all that helps; the system's words would name the path.
    throw new UnusableTlsFile(role, 'cannot be read');
  }
}
