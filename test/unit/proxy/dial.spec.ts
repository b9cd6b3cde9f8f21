import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { dialer, type DialOptions } from '../../../src/proxy/dial.ts';
import { openUpstream } from '../../../src/proxy/upstream.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { GET } from '../../contract/forwarder/case.ts';
import { ForwarderStage } from '../../contract/forwarder/stage.ts';
import { FullListener } from '../../support/full-listener.ts';

const closing: (() => Promise<unknown>)[] = [];
// No name may have a label of that length (RFC 1035 §2.3.4), so nobody has to be asked.
const NO_NAME = `${'a'.repeat(64)}.example`;

const dial = (options: Partial<DialOptions> & { origin: string }): Promise<Socket> => dialer({ connectTimeout: 5_000, ...options })();

async function listen(host: string): Promise<{ port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server: Server = createServer((socket) => accepted.push(socket.on('error', () => undefined)));
  server.listen(0, host);
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of accepted) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, accepted };
}

async function fullListener(): Promise<FullListener> {
  const full = await FullListener.start();
  closing.push(() => full.close());
  return full;
}

async function unusedPort(): Promise<number> {
  const { port } = await listen('127.0.0.1');
  await closing.pop()?.();
  return port;
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('a dialer', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['localhost', '127.0.0.1'],
  ])('connects to %s', async (host, address) => {
    const { port } = await listen(address);
    const socket = await dial({ origin: `http://${host}:${String(port)}` });
    expect([socket.remoteAddress, socket.remotePort]).toEqual([address, port]);
    socket.destroy();
  });

  it('makes a new connection each time', async () => {
    const { port, accepted } = await listen('127.0.0.1');
    const again = dialer({ origin: `http://127.0.0.1:${String(port)}`, connectTimeout: 5_000 });
    const sockets = [await again(), await again()];
    expect(new Set(sockets.map((it) => it.localPort)).size).toBe(2);
    while (accepted.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const socket of sockets) socket.destroy();
  });

  it('gives a socket whose errors end nothing, even before anybody listens for them', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = await dial({ origin: `http://127.0.0.1:${String(port)}` });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.destroy(new Error('lost'));
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  it('says why there is no connection', async () => {
    const refused = `http://127.0.0.1:${String(await unusedPort())}`;
    await expect(dial({ origin: refused })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(dial({ origin: `http://${NO_NAME}` })).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(dial({ origin: `https://127.0.0.1:${String(await unusedPort())}` })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('gives up after the connect timeout: nobody accepts', async () => {
    const { port } = await fullListener();
    await expect(dial({ origin: `http://127.0.0.1:${String(port)}`, connectTimeout: 30 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('gives up after the connect timeout: nobody answers the TLS handshake, and the connection is closed', async () => {
    const { port, accepted } = await listen('127.0.0.1');
    await expect(dial({ origin: `https://127.0.0.1:${String(port)}`, connectTimeout: 30 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const [socket] = accepted;
    if (socket === undefined) throw new Error('nothing was accepted');
    await once(socket.resume(), 'close');
  });
});

describe('a request for which there is no connection', () => {
  const play = async (origin: string, connectTimeout = 5_000): Promise<readonly unknown[]> => {
    const causes: string[] = [];
    const stage = new ForwarderStage((_origin, limits) => {
      const { requests } = openUpstream({ ...limits, origin, connectTimeout }, { ping: 25_000, logger: silentLogger });
      return {
        forward: (request, response, plan) => {
          const onFailure: typeof plan.onFailure = (failure, cause) => {
            causes.push(cause);
            plan.onFailure(failure, cause);
          };
          requests.forward(request, response, { ...plan, onFailure });
        },
        close: () => requests.close(),
      };
    });
    const answer = await stage.exchange(await stage.open(origin), GET);
    await stage.close();
    return [answer.status, answer.body, ...causes];
  };

  it('is answered with 504 when connecting takes too long', async () => {
    const { port } = await fullListener();
    expect(await play(`http://127.0.0.1:${String(port)}`, 30)).toEqual([504, 'upstream_timeout', 'ETIMEDOUT']);
  });

  it('is answered with 504 when the TLS handshake takes too long', async () => {
    const { port } = await listen('127.0.0.1');
    expect(await play(`https://127.0.0.1:${String(port)}`, 30)).toEqual([504, 'upstream_timeout', 'ETIMEDOUT']);
  });

  it('is answered with 502 when it is refused, or the name is not known', async () => {
    expect(await play(`http://127.0.0.1:${String(await unusedPort())}`)).toEqual([502, 'upstream_unreachable', 'ECONNREFUSED']);
    expect(await play(`http://${NO_NAME}`)).toEqual([502, 'upstream_unreachable', 'ENOTFOUND']);
  });
});
