import { fileURLToPath } from 'node:url';
import { startEchoApi } from '../../demo/api/echo-api.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';

/** The demo's page, provider and API around a Cloakroom whose clock a test may move. */
export interface DemoHouse {
  readonly house: House;
  readonly origin: string;
  close(): Promise<void>;
}

const PAGE = fileURLToPath(new URL('../../demo/page', import.meta.url));

/** As `npm run demo` wires them: no early refresh, one-time refresh tokens, the page counts the provider's refreshes. */
export async function openDemoHouse(options: Pick<HouseOptions, 'provider' | 'config'> = {}): Promise<DemoHouse> {
  const stats = (): unknown => ({ refreshes: house.provider.stats.tokenRequests.filter((it) => it.grantType === 'refresh_token').length });
  const counter = await startEchoApi({ stats });
  const house = await openHouse({
    ...options,
    config: { spa: { directory: PAGE }, refresh: { early: '0s' }, ...options.config },
    routes: (upstream) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/demo-stats', upstream: counter.origin, token: 'none' },
    ],
  });
  return {
    house,
    origin: house.origin,
    async close() {
      await house.close();
      await counter.close();
    },
  };
}
