// The baseline: bare http-proxy with a keep-alive agent, a fixed bearer, and nothing else.
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';
import { reportReady } from './ready.ts';

const [upstream = '', authorization = ''] = process.argv.slice(2);
const proxy = httpProxy.createProxyServer({ target: upstream, agent: new Agent({ keepAlive: true }), headers: { authorization } });
const server = createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
  proxy.web(request, response, undefined, () => response.writeHead(502).end());
});
server.on('upgrade', (request, socket, head: Buffer) => proxy.ws(request, socket, head, undefined, () => socket.destroy()));
reportReady(server);
