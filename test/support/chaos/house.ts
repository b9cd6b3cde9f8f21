import { openHouse, type House } from '../house.ts';
import type { Sender } from './requests.ts';
import { ChaosUpstream } from './upstream.ts';

/** Requests that may be upstream at once. Many more than a storm has, so that nothing but a leak ever meets it. */
export const MOST_IN_FLIGHT = 200;

/** A whole house with a session, all of whose limits in time are short, and a chaotic upstream behind `/api`. */
export interface ChaosHouse {
  readonly house: House;
  readonly upstream: ChaosUpstream;
  readonly sender: Sender;
  close(): Promise<void>;
}

export async function openChaosHouse(): Promise<ChaosHouse> {
  const upstream = await ChaosUpstream.start();
  const limits = { connectTimeout: '2s', headersTimeout: '3s', idleTimeout: '3s', maxInFlight: MOST_IN_FLIGHT };
  const house = await openHouse({
    config: { listen: { headersTimeout: '1s', bodyIdleTimeout: '2500ms', keepAliveTimeout: '1s' } },
    routes: () => [{ path: '/api', upstream: upstream.origin, ...limits }],
  });
  const agent = house.newAgent();
  await agent.login('alice');
  await house.provider.control.down(); // from here on there are only clients, the product and the upstream
  return {
    house,
    upstream,
    sender: { prefix: '/api', host: `localhost:${String(house.port)}`, cookie: house.cookiesOf(agent) },
    async close() {
      await house.close();
      await upstream.close();
    },
  };
}
