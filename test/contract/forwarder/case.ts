import type { ForwarderStage } from './stage.ts';

/** One thing that a forwarder must do. */
export interface ForwarderCase {
  /** A sentence of behaviour that stands by itself and is there only once: tables name cases by it. */
  readonly title: string;
  /** Fails by an assertion. The stage is new, and closed by whoever made it. */
  play(stage: ForwarderStage): Promise<void>;
}

export interface ForwarderCases {
  readonly subject: string;
  readonly cases: readonly ForwarderCase[];
}

export const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
/** The head of a request whose body is `0123456789`. */
export const UPLOAD = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n';
/** The head of a request whose body comes in chunks. */
export const CHUNKED = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
