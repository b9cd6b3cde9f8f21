import { afterEach, describe, expect, it } from '@jest/globals';
import { signedHead } from '../../support/attack.ts';
import { openStand, type Stand } from '../../support/proxy-stand.ts';
import { rawExchange } from '../../support/raw-http.ts';
import { UpstreamStub } from '../../support/upstream-stub.ts';

describe('a request body that turns out too large on its way', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  it('is logged as a refusal of ours, and not as a failure of the upstream', async () => {
    upstream = await UpstreamStub.start();
    stand = await openStand({ upstream: upstream.origin, route: { path: '/api', maxBody: 4 } });
    const head = signedHead('POST /api/x?secret=1', 'Transfer-Encoding: chunked');
    const answer = await rawExchange(stand.port, `${head}6\r\nabcdef\r\n0\r\n\r\n`);
    expect(answer.status).toBe(413);
    expect([stand.logger.of('upstream_failed'), stand.logger.of('upstream_lost')]).toEqual([[], []]);
    expect(stand.logger.of('request_refused')).toEqual([
      {
        level: 'info',
        event: 'request_refused',
        fields: { route: '/api', code: 'payload_too_large', requestId: expect.any(String) },
      },
    ]);
  });
});
