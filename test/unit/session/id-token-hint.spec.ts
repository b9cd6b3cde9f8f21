import { describe, expect, it } from '@jest/globals';

import { HintCookie } from '../../../src/cookie/hint-cookie.ts';
import { IdTokenHints, type IdTokenHint } from '../../../src/session/id-token-hint.ts';
import { codec, randomText, seededRandom } from '../cookie/key-rings.ts';

const NAME = '__Secure-cloakroom-hint';
const hints = (clientId = 'client') =>
  new IdTokenHints({ codec: codec({ clientId }), cookie: new HintCookie({ name: 'cloakroom', devCookies: false, path: '/bff/logout' }) });

async function sealed(hint: IdTokenHint, by = hints()) {
  const result = await by.seal(hint, 46_800);
  if (result.kind !== 'sealed') throw new Error(result.kind);
  return { ...result, header: result.line.slice(0, result.line.indexOf(';')) };
}

describe('IdTokenHints', () => {
  it.each<IdTokenHint>([
    { sid: 's' },
    { sid: 's', idToken: 'a.b.c' },
    { sid: 's', logoutHint: 'alice@example.com', returnTo: '/?a=ü' },
    { sid: 's', idToken: 'a.b.c', logoutHint: 'l', returnTo: '/' },
  ])('gives back %j', async (hint) => {
    const { header, bytes, withIdToken } = await sealed(hint);
    expect(await hints().read(header)).toEqual(hint);
    expect(bytes).toBe(header.length + 2);
    expect(withIdToken).toBe(hint.idToken !== undefined);
  });

  it('writes and clears the line of the contract', async () => {
    expect((await sealed({ sid: 's' })).line).toMatch(
      /^__Secure-cloakroom-hint=Fe26\.2\*\S+; Path=\/bff\/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(hints().clear()).toBe(`${NAME}=; Path=/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict`);
  });

  it('never exceeds 2.5 KB: the ID token goes first, then the logout hint', async () => {
    const random = seededRandom(9);
    const kept = new Set<string>();
    for (let size = 1000; size < 5000; size += 97) {
      const hint = { sid: 's', idToken: randomText(size, random), logoutHint: randomText(10, random) };
      const { header, bytes, withIdToken } = await sealed(hint);
      expect(bytes).toBeLessThanOrEqual(2560);
      const { idToken: _, ...without } = hint;
      expect(await hints().read(header)).toEqual(withIdToken ? hint : without);
      kept.add(`${withIdToken}`);
    }
    expect(kept.size).toBe(2);
    expect(await hints().read((await sealed({ sid: 's', logoutHint: randomText(4000, random) })).header)).toEqual({ sid: 's' });
  });

  it('says so when nothing fits', async () => {
    expect(await hints().seal({ sid: randomText(4000, seededRandom(2)) }, 1)).toEqual({ kind: 'too-big' });
  });

  it('is not fooled by a planted cookie of the same name (A60)', async () => {
    const { header } = await sealed({ sid: 'mine', idToken: 'a.b.c' });
    const { header: others } = await sealed({ sid: 'theirs', idToken: 'x.y.z' });
    expect(await hints().read(`${NAME}=garbage; ${header}`)).toMatchObject({ sid: 'mine' });
    expect(await hints().read(`${others}; ${header}`, (sid) => sid === 'mine')).toEqual({ sid: 'mine', idToken: 'a.b.c' });
    expect(await hints().read(others, (sid) => sid === 'mine')).toBeUndefined();
  });

  it('reads nothing of another client, another purpose or another form', async () => {
    const { header } = await sealed({ sid: 's' }, hints('other'));
    const session = await codec().seal('session', { s: 's' });
    const odd = await codec().seal('hint', { s: 1 });
    for (const value of [undefined, '', header, `${NAME}=${session}`, `${NAME}=${odd}`]) expect(await hints().read(value)).toBeUndefined();
  });
});
