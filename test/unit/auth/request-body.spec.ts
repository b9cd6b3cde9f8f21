import { describe, expect, it } from '@jest/globals';
import { readFields, readForm } from '../../../src/auth/request-body.ts';
import { FailureError } from '../../../src/kernel/errors.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

async function* chunks(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FailureError)) throw new Error('not refused', { cause: error });
  return error.failure.code;
};

describe('the body of an endpoint', () => {
  it('gives the fields that are asked for and no others', async () => {
    const fields = await readFields({ headers: FORM, body: chunks('returnTo=%2Fb', 'ye&other=1&other=2') }, ['returnTo']);
    expect([...fields]).toEqual([['returnTo', '/bye']]);
  });

  it('may be absent, whatever its type says', async () => {
    for (const headers of [{}, FORM, { 'content-type': 'text/plain' }]) {
      expect((await readFields({ headers, body: chunks() }, ['returnTo'])).size).toBe(0);
    }
  });

  it('gives a whole form with its duplicates', async () => {
    expect([...(await readForm({ headers: FORM, body: chunks('a=1&a=2') }))]).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it('is read up to 16 KiB and not a byte further', async () => {
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield Buffer.alloc(8192);
      }
    }
    expect(await codeOf(readForm({ headers: FORM, body: endless() }))).toBe('payload_too_large');
    expect(pulled).toBe(3);
  });

  it.each([
    ['a compressed one', { ...FORM, 'content-encoding': 'gzip' }, 'x', 'unsupported_media_type'],
    ['one that is announced too large', { ...FORM, 'content-length': '16385' }, '', 'payload_too_large'],
    ['one that is cut off', FORM, new Error('aborted'), 'bad_request'],
    ['one without a type', {}, 'a=1', 'unsupported_media_type'],
    ['null', { 'content-type': 'application/json' }, 'null', 'bad_request'],
    ['a prototype', { 'content-type': 'application/json' }, '{"constructor":{}}', 'bad_request'],
  ])('refuses %s', async (_what, headers, text, code) => {
    expect(await codeOf(readFields({ headers, body: chunks(text) }, ['a']))).toBe(code);
  });
});
