import type { House } from '../house.ts';
import { RawClient } from '../raw-http.ts';
import type { SeededRandom } from '../random.ts';

/** When a client leaves: at once, while the handshake is under way, with the tunnel open, in the middle of a frame, after a Close. */
const MOMENTS = ['connected', 'half a head', 'handshake', 'open', 'mid-frame', 'after a close'] as const;

const MASKED_CLOSE = Buffer.from('88820000000003e8', 'hex'); // 1000
const HALF_A_FRAME = Buffer.from('82fe4000000000000102', 'hex'); // announces 16 KiB

export function handshake(house: House, cookie: string, path = '/api/socket'): string {
  const host = new URL(house.origin).host;
  const lines = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
  return [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Origin: ${house.origin}`, `Cookie: ${cookie}`, ...lines, '', ''].join('\r\n');
}

/** One client that connects and breaks off, by FIN or RST. Says what it came to. */
export async function abortedCycle(house: House, cookie: string, random: SeededRandom): Promise<string> {
  const moment = random.pick(MOMENTS);
  const client = await RawClient.open(house.port);
  const bytes = handshake(house, cookie);
  let outcome: string = moment;
  if (moment === 'half a head') client.send(bytes.slice(0, 50));
  else if (moment !== 'connected') client.send(bytes);
  if (moment === 'open' || moment === 'mid-frame' || moment === 'after a close') {
    const head = await client.until((it) => it.includes('\r\n\r\n'));
    outcome = `${moment} ${head.slice(9, 12)}`;
    if (moment === 'mid-frame') client.send(HALF_A_FRAME);
    if (moment === 'after a close') client.send(MASKED_CLOSE);
    if (random.chance(2)) await new Promise((resolve) => setImmediate(resolve));
  }
  if (random.chance(2)) client.socket.resetAndDestroy();
  else client.destroy();
  return outcome;
}
