import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const PROGRAM = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
const NOT_TAKEN_MS = 200;

export interface DeafUpstream {
  readonly origin: string;
  close(): Promise<void>;
}

/** A port that takes no further connection and refuses none either: its queue is full, and nobody ever empties it. */
export async function startDeafUpstream(): Promise<DeafUpstream> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const fillers: Socket[] = [];
  while (await isTaken(Number(line), fillers));
  return {
    origin: `http://127.0.0.1:${line}`,
    async close() {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

function isTaken(port: number, fillers: Socket[]): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // the end of the play
  fillers.push(socket);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), NOT_TAKEN_MS);
    socket.on('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
