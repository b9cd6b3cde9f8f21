import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import { errorCode } from '../kernel/error-code.ts';

/**
 * Makes one new connection to one upstream, verified when it is TLS. Resolves with a connected socket that the callee owns.
 * Rejects within the connect timeout with a DialError.
 */
export type Dial = () => Promise<Socket>;

/** No connection came about. `code` is the system's or OpenSSL's word for why; `ETIMEDOUT` for the connect timeout. */
class DialError extends Error {
  readonly code: string;

  constructor(code: string) {
    super('no connection');
    this.code = code;
  }
}

/** How TLS is spoken with one upstream. */
export interface DialTls {
  /** The name that the certificate must have, also sent as SNI; absent: the origin's host. */
  readonly serverName?: string | undefined;
  /** Any certificate will do. */
  readonly insecureSkipVerify?: boolean | undefined;
  /** Trust, client certificate and oldest version for the next connection; absent: Node's defaults, TLS 1.2, no client certificate. */
  readonly context?: (() => SecureContext | Promise<SecureContext>) | undefined;
}

export interface DialOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Milliseconds for finding the address, connecting and the TLS handshake together. */
  readonly connectTimeout: number;
  /** For `https:` origins. */
  readonly tls?: DialTls | undefined;
}

const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 60_000 };

// Whoever gets the socket listens for itself; what comes in between must not end the process.
const ignoreError = (): void => undefined;

/** Connections to one origin. Where its name has several addresses they are raced (RFC 8305), as Node does it by default. */
export function dialer({ origin, connectTimeout, tls = {} }: DialOptions): Dial {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'https:';
  const address = { host, port: port === '' ? (isTls ? 443 : 80) : Number(port), noDelay: true, ...KEEP_ALIVE };
  if (!isTls) return () => settled(connect(address), 'connect', connectTimeout);
  const options = { ...address, ...identity(tls.serverName ?? host), ALPNProtocols: ['http/1.1'] };
  const context = tls.context ?? always(createSecureContext({ minVersion: 'TLSv1.2' }));
  // Said explicitly: otherwise an environment variable of Node's could switch it off for the whole process.
  const rejectUnauthorized = tls.insecureSkipVerify !== true;
  return async () =>
    settled(connectTls({ ...options, rejectUnauthorized, secureContext: await context() }), 'secureConnect', connectTimeout);
}

/** The name is checked as it is written; SNI has no place for an address (RFC 6066 §3). */
const identity = (name: string): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> => ({
  servername: isIP(name) === 0 ? name : '',
  checkServerIdentity: (_asked, certificate) => checkServerIdentity(name, certificate),
});

const always =
  <T>(value: T): (() => T) =>
  () =>
    value;

function settled(socket: Socket, ready: 'connect' | 'secureConnect', timeout: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new DialError('ETIMEDOUT')), timeout);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      reject(new DialError(errorCode(error) ?? error.name));
    };
    // Node ends a socket that does not get ready with an error, always.
    socket.on('error', ignoreError).once('error', failed);
    socket.once(ready, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
