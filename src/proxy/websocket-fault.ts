import { causeOf, errorCode } from '../kernel/error-code.ts';
import type { ForwardFault } from './forward-failure.ts';

/** Why a handshake failed before its answer. */
export interface HandshakeFault {
  readonly fault: ForwardFault;
  /** A short word for the log: never an error's message, which may quote bytes. */
  readonly cause: string;
}

/** Node's error of a connection, or of the parser that read from it. */
export function handshakeFault(error: unknown): HandshakeFault {
  const cause = causeOf(error);
  if (cause === 'ETIMEDOUT') return { fault: 'timeout', cause };
  if (cause.startsWith('HPE_')) return { fault: 'protocol', cause };
  return { fault: errorCode(error) === undefined ? 'internal' : 'unreachable', cause };
}

/** An error that is no fault of the upstream's. */
export const ownFault = (error: unknown): HandshakeFault => ({ fault: 'internal', cause: causeOf(error) });
