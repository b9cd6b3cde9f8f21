import { Between, Lasting, Section, Sized } from '../constraints.ts';
import { MINUTE, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { duration, file, integer, oneOf, size, text } from '../scalar-types.ts';
import { KIB } from '../size.ts';

export class ListenTlsSection {
  @Option({ type: file(), doc: 'Certificate chain, PEM.' })
  readonly certFile?: string;

  @Option({ type: file(), doc: 'Private key, PEM.' })
  readonly keyFile?: string;

  @Option({ type: oneOf('TLSv1.2', 'TLSv1.3'), doc: 'Oldest TLS version accepted.' })
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2';
}

/** The public port. Durations in milliseconds, sizes in bytes. */
export class ListenSection {
  @Option({ type: text('host or address'), doc: 'Address to listen on.' })
  readonly host: string = '0.0.0.0';

  @Between(0, 65535)
  @Option({ type: integer(), doc: '0 = any free port, printed in the "listening" line.' })
  readonly port: number = 8080;

  @Section({ section: ListenTlsSection, planned: true, doc: 'Serve HTTPS without a proxy in front.' })
  readonly tls?: ListenTlsSection;

  @Sized('4KiB', '1MiB')
  @Option({ type: size(), doc: 'All request headers together; over it: 431 `header_too_large`, and our cookies are cleared.' })
  readonly maxHeaderSize: number = 32 * KIB;

  @Lasting('1s', '1h')
  @Option({ type: duration(), doc: 'The longest a client may take to send its request headers.' })
  readonly headersTimeout: number = 15 * SECOND;

  @Lasting('1s', '1d')
  @Option({
    type: duration(),
    doc: 'No byte of a request body for this long: 408 and the connection is closed; a client that takes no byte of its answer for as long is cut. Never a limit of the whole.',
  })
  readonly bodyIdleTimeout: number = MINUTE;

  @Lasting('1s', '1d')
  @Option({ type: duration(), doc: 'How long an idle connection stays open. Keep it longer than that of the load balancer in front.' })
  readonly keepAliveTimeout: number = 75 * SECOND;

  @Between(1, 1_000_000)
  @Option({ type: integer(), doc: 'Connections at once.' })
  readonly maxConnections: number = 20_000;
}
