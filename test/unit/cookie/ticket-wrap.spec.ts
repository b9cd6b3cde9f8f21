import { describe, expect, it } from '@jest/globals';

import { testWrap } from '../../support/ticket-wraps.ts';

const OLD = 'the-old-secret-with-enough-bytes-0123456789';
const NEW = 'the-new-secret-with-enough-bytes-0123456789';

describe('a wrapped ticket', () => {
  it('is unwrapped in its context, and shows nothing of the ticket', () => {
    const wrap = testWrap();
    const wrapped = wrap.wrap('Fe26.2*ticket', 'sid:2');
    expect(wrapped).not.toContain('ticket');
    expect(wrap.unwrap(wrapped, 'sid:2')).toBe('Fe26.2*ticket');
  });

  it('is another one each time', () => {
    const wrap = testWrap();
    expect(wrap.wrap('ticket', 'a')).not.toBe(wrap.wrap('ticket', 'a'));
  });

  it('is nothing in another context, with another key, or with a bit changed', () => {
    const wrap = testWrap();
    const wrapped = wrap.wrap('ticket', 'sid:2');
    const [name = '', text = ''] = wrapped.split('.');
    expect(wrap.unwrap(wrapped, 'sid:3')).toBeUndefined();
    expect(testWrap([NEW]).unwrap(wrapped, 'sid:2')).toBeUndefined();
    const bytes = Buffer.from(text, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(wrap.unwrap(`${name}.${changed.toString('base64url')}`, 'sid:2')).toBeUndefined();
    }
  });

  it.each(['', '.', 'x', 'x.y', '__proto__.AAAA', `${'A'.repeat(8)}.${'A'.repeat(60)}`])('is nothing when it is %j', (text) => {
    expect(testWrap().unwrap(text, 'sid:2')).toBeUndefined();
  });

  it('survives a key roll, both ways', () => {
    const [before, during] = [testWrap([OLD]), testWrap([NEW, OLD])];
    expect(during.unwrap(before.wrap('ticket', 'a'), 'a')).toBe('ticket');
    expect(testWrap([OLD, NEW]).unwrap(during.wrap('ticket', 'a'), 'a')).toBe('ticket');
  });
});
