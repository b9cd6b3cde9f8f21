import { describe, expect, it } from '@jest/globals';

import { fromPayload, toPayload } from '../../../src/session/session-payload.ts';
import type { Session } from '../../../src/session/session.ts';
import { seededRandom } from '../cookie/key-rings.ts';
import { bareSession, sampleSession } from './sample-session.ts';

const onTheWire = (session: Session): Record<string, unknown> => JSON.parse(JSON.stringify(toPayload(session))) as Record<string, unknown>;

describe('the payload of a session', () => {
  it.each([sampleSession(), bareSession(), bareSession({ scope: [], claims: {} })])('gives back the session (%#)', (session) => {
    expect(fromPayload(onTheWire(session))).toEqual(session);
  });

  it('adds little to what it holds', () => {
    const session = sampleSession();
    const held = [
      session.accessToken,
      session.refreshToken,
      session.sid,
      session.sub,
      session.providerSid,
      JSON.stringify(session.claims),
    ].join('');
    expect(JSON.stringify(toPayload(session)).length - held.length).toBeLessThan(220);
  });

  it('is of no version but ours', () => {
    for (const v of [0, 2, '1', null, undefined, 1.5]) expect(fromPayload({ ...onTheWire(sampleSession()), v })).toBeUndefined();
  });

  it.each(['i', 'g', 's', 't', 'a', 'x', 'o', 'c', 'b', 'f', 'l', 'e'])('needs `%s`, in its type', (key) => {
    const { [key]: _, ...without } = onTheWire(sampleSession());
    expect(fromPayload(without)).toBeUndefined();
    for (const wrong of [null, true, [], key === 'c' ? 'text' : { a: 1 }]) {
      expect(fromPayload({ ...onTheWire(sampleSession()), [key]: wrong })).toBeUndefined();
    }
  });

  it.each(['p', 'r'])('takes `%s` only as a text', (key) => {
    for (const wrong of [null, 1, []]) expect(fromPayload({ ...onTheWire(sampleSession()), [key]: wrong })).toBeUndefined();
  });

  it.each([null, undefined, 1, 'text', [], [[]], {}, { v: 1 }])('is not %j', (payload) => expect(fromPayload(payload)).toBeUndefined());

  it('never throws, whatever an authentic seal holds', () => {
    const random = seededRandom(11);
    const odd = [null, '', 0, -1, 1e308, [], {}, 'x', true, [1], { a: { b: [] } }];
    for (let round = 0; round < 5000; round += 1) {
      const payload = onTheWire(sampleSession());
      for (const key of Object.keys(payload)) if (random() < 0.15) payload[key] = odd[Math.floor(random() * odd.length)];
      expect(() => fromPayload(payload)).not.toThrow();
    }
  });
});
