import { createServer } from 'node:net';

/** Below the range that systems give to outgoing connections and to listeners on port 0: nobody is handed one of these by chance. */
const FIRST = 20_000;
const EACH = 1_500;
const WORKERS = 8;

/** A port that nobody has. Each test worker draws from its own range, so that two of them never draw the same. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? process.pid) % WORKERS;
  for (;;) {
    const port = FIRST + worker * EACH + Math.floor(Math.random() * EACH);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
