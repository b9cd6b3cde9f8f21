import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
  /** The whole request, head and all, sent again and again. */
  readonly request: Buffer;
}

export interface LoadResult {
  readonly answered: number;
  /** Answers other than `200` with the expected body length, and connections that broke. */
  readonly wrong: number;
  readonly seconds: number;
}

interface Progress {
  left: number;
  answered: number;
  wrong: number;
}

/** Keeps `connections` keep-alive connections busy, one request at a time on each, until all requests are answered. */
export async function runLoad(load: Load, bodyLength: number): Promise<LoadResult> {
  const progress: Progress = { left: load.requests, answered: 0, wrong: 0 };
  const started = process.hrtime.bigint();
  await Promise.all(Array.from({ length: load.connections }, () => runConnection(load, progress, bodyLength)));
  return { answered: progress.answered, wrong: progress.wrong, seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}

function runConnection(load: Load, progress: Progress, bodyLength: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(load.port, '127.0.0.1');
    socket.setNoDelay(true);
    let received = '';
    const next = (): void => {
      if (progress.left <= 0) {
        socket.end();
        return;
      }
      progress.left--;
      socket.write(load.request);
    };
    socket.setEncoding('latin1');
    socket.on('connect', next);
    socket.on('data', (chunk: string) => {
      received += chunk;
      const end = answerEnd(received);
      if (end === undefined || received.length < end) return;
      count(received, end, bodyLength, progress);
      received = received.slice(end);
      next();
    });
    endWith(socket, progress, resolve);
  });
}

function endWith(socket: Socket, progress: Progress, resolve: () => void): void {
  socket.on('error', () => {
    progress.wrong++;
  });
  socket.on('close', () => {
    resolve();
  });
}

/** Where the answer at the start of `text` ends; `undefined` while its head is not whole. Every target sends Content-Length or chunks. */
function answerEnd(text: string): number | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
  if (length !== null) return head + 4 + Number(length[1]);
  const last = text.indexOf('0\r\n\r\n', head + 4);
  return last < 0 ? undefined : last + 5;
}

function count(text: string, end: number, bodyLength: number, progress: Progress): void {
  progress.answered++;
  const head = text.indexOf('\r\n\r\n');
  if (!text.startsWith('HTTP/1.1 200 ') || end - head - 4 < bodyLength) progress.wrong++;
}
