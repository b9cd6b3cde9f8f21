import type { Timer } from '../kernel/timer.ts';

/** The time that a side has to finish when the other one, or we, have ended the conversation. */
const LINGER_MS = 2_000;

/** A connection that is to end. */
export interface EndingSocket {
  readonly destroyed: boolean;
  /** Bytes that wait for the peer. */
  readonly writableLength: number;
  destroy(): void;
}

/**
 * Destroys both connections after a while. `patient`: a slow reader has another while whenever it has taken some of what is left for
 * it, which is no more than a buffer. The returned function gives it up.
 */
export function linger(sockets: readonly EndingSocket[], timer: Timer, patient: boolean): () => void {
  let cancel: () => void;
  const arm = (waiting: number): void => {
    cancel = timer.after(LINGER_MS, () => {
      const left = waitingBytes(sockets);
      if (patient && left < waiting) return arm(left);
      for (const socket of sockets) socket.destroy();
    });
  };
  arm(waitingBytes(sockets));
  return () => cancel();
}

function waitingBytes(sockets: readonly EndingSocket[]): number {
  let bytes = 0;
  for (const socket of sockets) if (!socket.destroyed) bytes += socket.writableLength;
  return bytes;
}
