import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { answerUnderWay, cutConnection } from './answer-under-way.ts';

/** What the last sweep saw of a connection. */
interface Standing {
  bytesRead: number;
  quietSweeps: number;
}

const LONGEST_QUIET_MS = 1_000;
const QUIET_SWEEPS = 4;
const SHORTEST_SWEEP_MS = 10;
const REQUEST_EVENTS = ['request', 'checkContinue', 'checkExpectation'] as const;

/** Ends one server without breaking off what its clients are in the middle of. Make it before the server listens. */
export class ServerDrain {
  readonly #server: Server;
  /** Every connection, upgraded ones too: Node's own list knows only those that still speak HTTP. */
  readonly #sockets = new Map<Socket, Standing>();
  #isAnnounced = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, { bytesRead: 0, quietSweeps: 0 });
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** From now on every answer carries `Connection: close`: clients go elsewhere by themselves before anything is closed under them. */
  announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    for (const event of REQUEST_EVENTS) {
      // Node treats an expectation differently as soon as anybody listens for it.
      if (this.#server.listenerCount(event) > 0) this.#server.prependListener(event, makeLast);
    }
    for (const socket of this.#sockets.keys()) {
      const response = answerUnderWay(socket);
      if (response !== undefined) response.shouldKeepAlive = false;
    }
  }

  /**
   * Stops accepting, lets requests under way finish, and cuts what is left after `graceMs`. A connection is closed as idle only
   * after a second of silence (a tenth of a short grace): between two requests of a busy client it would lose one.
   */
  async drain(graceMs: number): Promise<void> {
    if (!this.#server.listening) return;
    this.announce();
    const closed = new Promise<void>((resolve) => {
      // The http server's own close would destroy idle connections at once.
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
    const sweepMs = Math.max(SHORTEST_SWEEP_MS, Math.min(LONGEST_QUIET_MS, graceMs / 10) / QUIET_SWEEPS);
    const sweep = setInterval(() => this.#sweep(), sweepMs);
    const cut = setTimeout(() => this.#cut(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
    this.#server.close(); // stops the timer in which Node looks for slow heads
  }

  #sweep(): void {
    for (const [socket, standing] of this.#sockets) {
      const isQuiet = socket.bytesRead === standing.bytesRead && answerUnderWay(socket) === undefined;
      standing.bytesRead = socket.bytesRead;
      standing.quietSweeps = isQuiet ? standing.quietSweeps + 1 : 0;
      if (standing.quietSweeps >= QUIET_SWEEPS) socket.destroy();
    }
  }

  #cut(): void {
    for (const socket of this.#sockets.keys()) cutConnection(socket);
  }
}

function makeLast(_request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
}
