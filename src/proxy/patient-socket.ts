import type { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/** The peer has closed: what it said before that may still be waiting to be read. */
const isGone = (error: NodeJS.ErrnoException): boolean => error.code === 'EPIPE' || error.code === 'ECONNRESET';

/**
 * Lets a connection outlive a write that fails because the upstream has closed: it may have answered (413, 401) before it had read
 * the whole body, and a socket destroyed by the write would lose that answer. Reading goes on and learns of the end by itself.
 */
export function outliveLostWrites(socket: Socket): Socket {
  const patient =
    (done: Done): Done =>
    (error) => {
      if (error === undefined || error === null || !isGone(error)) done(error);
    };
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, patient(done));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, patient(done));
  return socket;
}
