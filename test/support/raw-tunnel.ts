import { ManualClock } from './manual-clock.ts';
import { rawClient, RawWebSocketUpstream, type RawEnd } from './raw-websocket.ts';
import { WebSocketStand } from './websocket-stand.ts';

/** Milliseconds between two pings. */
export const PING_MS = 25_000;
/** Milliseconds that a tunnel gives its sides to end once it has closed. */
export const LINGER_MS = 2_000;

/** An open tunnel between two bare sockets; its time moves only when told to. */
export interface RawTunnel {
  readonly clock: ManualClock;
  readonly stand: WebSocketStand;
  readonly upstream: RawWebSocketUpstream;
  readonly client: RawEnd;
  readonly server: RawEnd;
  /** Breaks off whatever is left. */
  close(): Promise<void>;
}

export async function openRawTunnel(): Promise<RawTunnel> {
  const clock = new ManualClock();
  const upstream = await RawWebSocketUpstream.start();
  const stand = await WebSocketStand.open({ upstream: upstream.port, ping: PING_MS, timer: clock });
  const client = await rawClient(stand.port);
  const server = await upstream.accept();
  await client.readHead();
  const close = async (): Promise<void> => {
    client.socket.destroy();
    await stand.close();
    await upstream.close();
  };
  return { clock, stand, upstream, client, server, close };
}
