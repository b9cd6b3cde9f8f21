import { describe, expect, it } from '@jest/globals';
import { acceptOf, isWebSocketSwitch, soleHeader, switchHead } from '../../../src/proxy/websocket-switch.ts';
import { ACCEPT, KEY } from '../../support/websocket-bytes.ts';

const GOOD = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-accept': ACCEPT };

describe('the answer to a WebSocket key', () => {
  it('is the one of RFC 6455 §1.3', () => {
    expect(acceptOf(KEY)).toBe(ACCEPT);
  });

  it.each([
    ['as usual', GOOD],
    ['in other spellings', { ...GOOD, upgrade: 'WebSocket', connection: 'keep-alive, UPGRADE' }],
    ['in two Connection lines', { ...GOOD, connection: ['keep-alive', 'Upgrade'] }],
  ])('is accepted %s', (_how, headers) => {
    expect(isWebSocketSwitch(headers, KEY)).toBe(true);
  });

  it.each([
    ['another protocol', { ...GOOD, upgrade: 'h2c' }],
    ['two protocols', { ...GOOD, upgrade: 'websocket, h2c' }],
    ['no Upgrade', { ...GOOD, upgrade: undefined }],
    ['no Connection', { ...GOOD, connection: undefined }],
    ['a Connection that names something like it', { ...GOOD, connection: 'upgrades' }],
    ['no accept', { ...GOOD, 'sec-websocket-accept': undefined }],
    ['the accept of another key', { ...GOOD, 'sec-websocket-accept': acceptOf('other') }],
    ['two accepts', { ...GOOD, 'sec-websocket-accept': [ACCEPT, ACCEPT] }],
  ])('is refused with %s', (_what, headers) => {
    expect(isWebSocketSwitch(headers, KEY)).toBe(false);
  });

  it('is refused when nothing was asked', () => {
    expect(isWebSocketSwitch(GOOD, undefined)).toBe(false);
  });
});

describe('soleHeader', () => {
  it('finds a header in any spelling, and none where there are two', () => {
    expect(soleHeader(['A', '1', 'b', '2'], 'a')).toBe('1');
    expect(soleHeader(['A', '1', 'a', '2'], 'a')).toBeUndefined();
    expect(soleHeader(['b', 'a'], 'a')).toBeUndefined();
  });
});

describe('switchHead', () => {
  it('writes the upgrade, then the headers in their order', () => {
    expect(switchHead(['sec-websocket-accept', 'x', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).toString('latin1')).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nsec-websocket-accept: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
    );
  });

  it('leaves framing headers and a second upgrade out', () => {
    const head = switchHead(['Content-Length', '5', 'transfer-encoding', 'chunked', 'Upgrade', 'h2c', 'connection', 'close']).toString(
      'latin1',
    );
    expect(head).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });

  it('keeps bytes above ASCII as they were', () => {
    expect(switchHead(['x-name', '\xe9']).includes(Buffer.from([0x20, 0xe9, 0x0d]))).toBe(true);
  });

  it.each([
    ['a line break', ['x-a', 'b\r\nset-cookie: c=d']],
    ['a character that latin1 would turn into a line break', ['x-a', 'b\u010ac']],
    ['a NUL', ['x-a', '\0']],
    ['a name with a space', ['x a', 'b']],
    ['an empty name', ['', 'b']],
  ])('throws at %s', (_what, headers) => {
    expect(() => switchHead(headers)).toThrow();
  });
});
