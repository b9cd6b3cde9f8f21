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
  return { fault: hasCode(error) ? 'unreachable' : 'internal', cause };
}

/** The same for one that has not been sent. */
export const unsentFault = (error: unknown): HandshakeFault => ({ fault: 'internal', cause: causeOf(error) });

function causeOf(error: unknown): string {
  if (hasCode(error)) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

// Node's own errors need not be of this realm's Error class.
const hasCode = (error: unknown): error is { readonly code: string } =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string';
