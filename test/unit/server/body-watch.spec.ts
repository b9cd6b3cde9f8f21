import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BodyWatch } from '../../../src/server/body-watch.ts';
import { RawClient } from '../../support/raw-http.ts';

const NEVER = 60_000;

describe('A32 a never-ending body on a 401', () => {
  let server: Server;
  let expired = 0;

  beforeEach(async () => {
    expired = 0;
    const watch = new BodyWatch(NEVER, () => expired++, 60);
    server = createServer((request, response) => {
      watch.begin(request, response);
      response.writeHead(401, { 'content-length': '0' }).end();
      request.resume();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  const open = (heldOpen = false): Promise<RawClient> => RawClient.open((server.address() as AddressInfo).port, { heldOpen });

  it.each(['keep-alive', 'close'])('is cut off, however steadily it comes, on a connection for %s', async (connection) => {
    const client = await open(true);
    client.send(`POST / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const drip = setInterval(() => client.send('1\r\na\r\n'), 5);
    const answer = await client.answer();
    await client.closed();
    clearInterval(drip);
    expect([answer.status, expired]).toEqual([401, 0]);
  });

  it('leaves a connection alone whose body came to its end in time', async () => {
    const client = await open();
    await client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na').answer();
    client.send('b');
    await new Promise((resolve) => setTimeout(resolve, 120));
    const second = await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').answer();
    client.destroy();
    expect(second.status).toBe(401);
  });
});
