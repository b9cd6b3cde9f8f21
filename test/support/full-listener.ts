import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

// Listens, and then stands still: the kernel takes as many connections as fit into the queue and drops what comes after.
const STANDS_STILL = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(workerData, 0, 0));
  });
`;

/** A port of 127.0.0.1 where connecting takes for ever: nothing is refused, and nothing is accepted. */
export class FullListener {
  readonly port: number;
  readonly #worker: Worker;
  readonly #queued: readonly Socket[];

  private constructor(port: number, worker: Worker, queued: readonly Socket[]) {
    this.port = port;
    this.#worker = worker;
    this.#queued = queued;
  }

  static async start(): Promise<FullListener> {
    const worker = new Worker(STANDS_STILL, { eval: true, workerData: new Int32Array(new SharedArrayBuffer(4)) });
    const [port] = (await once(worker, 'message')) as [number];
    // One more than the backlog says (Linux).
    const queued = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(queued.map((it) => once(it, 'connect')));
    for (const socket of queued) socket.on('error', () => undefined); // reset at the end
    return new FullListener(port, worker, queued);
  }

  async close(): Promise<void> {
    for (const socket of this.#queued) socket.destroy();
    await this.#worker.terminate();
  }
}
