import { describe, expect, it } from '@jest/globals';
import { HostCheck, splitTarget } from '../../../src/proxy/host-check.ts';
import { TrustedProxies } from '../../../src/proxy/trusted-proxies.ts';

function judge(publicOrigin: string, headers: Record<string, string>, options: { twice?: boolean; trusted?: boolean } = {}): string {
  const check = new HostCheck({ publicOrigin, trustedProxies: new TrustedProxies(options.trusted === true ? ['127.0.0.1'] : []) });
  const rawHeaders = options.twice === true ? ['Host', 'a', 'hOST', 'a'] : ['Host', 'a', 'Accept', '*/*'];
  const request = { rawHeaders, headers, socket: { remoteAddress: '127.0.0.1' } };
  return check.check(request).kind;
}

describe('the Host of a request', () => {
  it.each([
    ['https://app.example.com', 'app.example.com'],
    ['https://app.example.com', 'APP.example.COM'],
    ['https://app.example.com', 'app.example.com:443'],
    ['http://localhost', 'localhost:80'],
    ['http://localhost:3000', 'localhost:3000'],
    ['http://[::1]:3000', '[::1]:3000'],
  ])('for %s may be %s', (origin, host) => expect(judge(origin, { host })).toBe('ours'));

  it.each([
    ['https://app.example.com', 'app.example.com:8443'],
    ['https://app.example.com', 'app.example.com:80'],
    ['https://app.example.com', 'app.example.com.'],
    ['https://app.example.com', 'evil.example'],
    ['https://app.example.com', 'app.example.com.evil.example'],
    ['http://localhost:3000', 'localhost'],
    ['http://localhost:3000', '127.0.0.1:3000'],
  ])('for %s is wrong as %s', (origin, host) => expect(judge(origin, { host })).toBe('wrong'));

  it.each([
    'user@app.example.com',
    'app.example.com:',
    'app.example.com:x',
    'app.example.com:443:443',
    'app.example.com/x',
    'app.example.com, evil.example',
    'app example.com',
    'app.example.com#',
    '',
  ])('is malformed as %j', (host) => expect(judge('https://app.example.com', { host })).toBe('malformed'));

  it('must be there, once', () => {
    expect(judge('https://app.example.com', {})).toBe('malformed');
    expect(judge('https://app.example.com', { host: 'app.example.com' }, { twice: true })).toBe('malformed');
  });

  it('is X-Forwarded-Host from a trusted proxy, and from nobody else', () => {
    const headers = { host: 'pod:8080', 'x-forwarded-host': 'app.example.com' };
    expect(judge('https://app.example.com', headers, { trusted: true })).toBe('ours');
    expect(judge('https://app.example.com', headers)).toBe('wrong');
    expect(judge('https://app.example.com', { host: 'app.example.com', 'x-forwarded-host': 'evil' }, { trusted: true })).toBe('wrong');
    expect(judge('https://app.example.com', { ...headers, 'x-forwarded-host': 'app.example.com, inner' }, { trusted: true })).toBe('ours');
  });
});

describe('a target', () => {
  it.each([
    ['/x?y', undefined, '/x?y'],
    ['//evil/x', undefined, '//evil/x'],
    ['http://a/x?y', 'a', '/x?y'],
    ['HTTPS://a:1/x', 'a:1', '/x'],
    ['http://a', 'a', '/'],
    ['http://a?y', 'a', '/?y'],
    ['http://u@a/x', 'u@a', '/x'],
    ['http://a#x', 'a', '#x'],
    ['*', undefined, '*'],
    ['ftp://a/x', undefined, 'ftp://a/x'],
  ])('%s splits into %s and %s', (target, authority, path) =>
    expect(splitTarget(target)).toEqual(authority === undefined ? { path } : { authority, path }),
  );
});
