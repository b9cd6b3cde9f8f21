import { connect, type Socket } from 'node:net';

export interface IdleOptions {
  readonly port: number;
  readonly count: number;
  /** What each of them sends first. */
  readonly request: Buffer;
  /** Status of the answer that opens them. */
  readonly status: number;
  /** Matches once the answer has come as far as it will. */
  readonly opened: RegExp;
}

/** The other side does not offer this: it answered something else. */
export class NotAvailable extends Error {
  constructor(answer: string) {
    super(`answered ${answer.slice(0, answer.indexOf('\r\n'))}`);
    this.name = 'NotAvailable';
  }
}

const AT_ONCE = 25;
const OPEN_MS = 20_000;

/** Opens connections a few at a time, the first one alone; rejects with NotAvailable when the answer is not the wanted one. */
export async function openIdle(options: IdleOptions): Promise<IdleClients> {
  const clients = new IdleClients();
  try {
    clients.watch(await openOne(options));
    while (clients.size < options.count) {
      const more = Math.min(AT_ONCE, options.count - clients.size);
      for (const socket of await Promise.all(Array.from({ length: more }, () => openOne(options)))) clients.watch(socket);
    }
    return clients;
  } catch (error) {
    clients.close();
    throw error;
  }
}

/** Connections that were opened and have fallen silent. */
export class IdleClients {
  readonly #sockets = new Set<Socket>();
  #lost = 0;

  get size(): number {
    return this.#sockets.size;
  }

  /** How many the other side has closed. */
  get lost(): number {
    return this.#lost;
  }

  watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('data', (bytes: Buffer) => answerPing(socket, bytes));
    socket.on('close', () => (this.#lost += this.#sockets.has(socket) ? 1 : 0));
  }

  close(): void {
    const sockets = [...this.#sockets];
    this.#sockets.clear();
    for (const socket of sockets) socket.destroy();
  }
}

const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;

/** Answers a WebSocket ping, as every browser does (RFC 6455 §5.5.2); the mask is zero, so that the payload stays as it is. */
function answerPing(socket: Socket, frame: Buffer): void {
  if (frame[0] !== PING) return;
  const length = frame[1] ?? 0;
  socket.write(Buffer.concat([Buffer.of(PONG, MASKED | length, 0, 0, 0, 0), frame.subarray(2, 2 + length)]));
}

function openOne({ port, request, status, opened }: IdleOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const timeout = setTimeout(() => socket.destroy(new Error('no answer came')), OPEN_MS);
    let answer = '';
    const onData = (bytes: Buffer): void => {
      answer += bytes.toString('latin1');
      if (answer.includes('\r\n\r\n') && !answer.startsWith(`HTTP/1.1 ${status} `)) return void socket.destroy(new NotAvailable(answer));
      if (!opened.test(answer)) return;
      clearTimeout(timeout);
      socket.off('data', onData);
      resolve(socket);
    };
    socket.on('data', onData);
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timeout);
      reject(new Error('closed before it was open'));
    });
  });
}
