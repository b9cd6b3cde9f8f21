import { connect } from 'node:net';
import { AnswerReader } from './answer-reader.ts';

export interface Load {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
  /** The whole request, head and body, sent again and again. */
  readonly request: Buffer;
  /** Bytes of the body that every answer must have. */
  readonly bodyLength: number;
}

interface Progress {
  left: number;
  answered: number;
}

const READ_BYTES = 256 * 1024;
const SILENCE_MS = 30_000;

/**
 * Keeps `connections` keep-alive connections busy, one request at a time on each, until all requests are answered; gives the
 * seconds that took. Throws on the first answer that is not `200` with the expected length, and on a connection that breaks.
 */
export async function runLoad(load: Load): Promise<number> {
  const progress: Progress = { left: load.requests, answered: 0 };
  const started = process.hrtime.bigint();
  await Promise.all(Array.from({ length: load.connections }, () => runConnection(load, progress)));
  if (progress.answered !== load.requests) throw new Error(`${progress.answered} answers to ${load.requests} requests`);
  return Number(process.hrtime.bigint() - started) / 1e9;
}

function runConnection(load: Load, progress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader({
      onAnswer: (status, length) => {
        if (status !== 200 || length !== load.bodyLength) return void socket.destroy(new Error(`wrong answer: ${status}, ${length} bytes`));
        progress.answered++;
        next();
      },
    });
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const callback = (bytes: number): boolean => {
      reader.read(buffer.subarray(0, bytes));
      return true;
    };
    const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    const next = (): void => {
      if (progress.left-- <= 0) socket.end();
      else socket.write(load.request);
    };
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('no answer came')));
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

/** One request on a connection of its own, its answer kept whole. */
export function askOnce(port: number, request: Buffer): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const reader = new AnswerReader({
      onBody: (bytes) => void chunks.push(Buffer.from(bytes)),
      onAnswer: (status) => {
        socket.destroy();
        resolve({ status, body: Buffer.concat(chunks) });
      },
    });
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('no answer came')));
    socket.on('data', (bytes: Buffer) => reader.read(bytes));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}
