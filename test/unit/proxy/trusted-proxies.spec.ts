import { describe, expect, it } from '@jest/globals';
import { TrustedProxies } from '../../../src/proxy/trusted-proxies.ts';

const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

describe('a trusted proxy', () => {
  it.each(['10.1.2.3', '192.0.2.7', '::ffff:10.1.2.3', 'fd12::1'])('is %s', (it) => expect(proxies.has(it)).toBe(true));

  it.each(['11.0.0.1', '192.0.2.8', '::1', '::ffff:11.0.0.1', 'fe80::1', '', 'unknown', '10.0.0.1.evil', undefined])('is not %s', (it) =>
    expect(proxies.has(it)).toBe(false),
  );

  it('is nobody when none is configured', () => expect(new TrustedProxies([]).has('127.0.0.1')).toBe(false));

  it.each(['', 'example.com', '10.0.0/8'])('cannot be %j', (cidr) => expect(() => new TrustedProxies([cidr])).toThrow());
});

describe('the chain of a request', () => {
  it.each([
    ['an untrusted peer alone', '203.0.113.9', '1.1.1.1', ['203.0.113.9']],
    ['a trusted peer that names nobody', '10.0.0.1', undefined, ['10.0.0.1']],
    ['the client that a trusted peer names', '10.0.0.1', '203.0.113.9', ['203.0.113.9', '10.0.0.1']],
    ['several trusted hops', '10.0.0.1', '203.0.113.9, 10.0.0.3,10.0.0.2', ['203.0.113.9', '10.0.0.3', '10.0.0.2', '10.0.0.1']],
    ['nothing that the client wrote in front', '10.0.0.1', '1.1.1.1, 127.0.0.1, 203.0.113.9', ['203.0.113.9', '10.0.0.1']],
    ['entries without their ports', '10.0.0.1', '203.0.113.9:4711', ['203.0.113.9', '10.0.0.1']],
    ['IPv6 entries with brackets and port', '10.0.0.1', '[2001:db8::1]:4711', ['2001:db8::1', '10.0.0.1']],
    ['only the peer after garbage', '10.0.0.1', '203.0.113.9, unknown', ['10.0.0.1']],
    ['only the peer after an empty entry', '10.0.0.1', '203.0.113.9,', ['10.0.0.1']],
    ['a mapped peer as IPv4', '::ffff:203.0.113.9', undefined, ['203.0.113.9']],
    ['a peer without an address', undefined, '1.1.1.1', ['unknown']],
  ])('is %s', (_, peer, forwardedFor, chain) => expect(proxies.chain(peer, forwardedFor)).toEqual(chain));

  it('has an end, however long the header is', () =>
    expect(proxies.chain('10.0.0.1', Array.from({ length: 1000 }, () => '10.0.0.2').join(','))).toHaveLength(32));
});
