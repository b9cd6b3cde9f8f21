import { describe, expect, it } from '@jest/globals';
import { isLoopback, isPlainPath, parseBaseUrl } from '../../../src/config/base-url.ts';
import { formatDuration, parseDuration } from '../../../src/config/duration.ts';
import { nearestName } from '../../../src/config/nearest-name.ts';
import { formatSize, parseSize } from '../../../src/config/size.ts';

describe('durations', () => {
  it.each([
    ['0s', 0],
    ['300ms', 300],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ])('%s is %d milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
  });

  it.each(['', '30', '300x', '30 s', '-5s', '+5s', '1.5h', '1e3s', '0x10s', '05s', '5S', '5sec', 's', '5m30s', '5s\n', '99999999999s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('are printed in the largest unit that fits', () => {
    expect([0, 1, 999, 1000, 61_000, 60_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
      '0s',
      '1ms',
      '999ms',
      '1s',
      '61s',
      '1m',
      '1h',
      '1d',
    ]);
  });
});

describe('sizes', () => {
  it.each([
    ['0B', 0],
    ['512B', 512],
    ['6KiB', 6144],
    ['5MiB', 5_242_880],
    ['1GiB', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    expect(formatSize(bytes)).toBe(text);
  });

  it.each(['', '6', '6kb', '6KB', '6kib', '6 KiB', '-1B', '1.5MiB', '0x1B', '01B', '999999999999GiB'])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('base URLs', () => {
  it.each([
    ['https://App.Example.com', 'https://app.example.com', ''],
    ['https://app.example.com/', 'https://app.example.com', ''],
    ['https://app.example.com:443/shop/', 'https://app.example.com', '/shop'],
    ['http://api:8080/v1/orders', 'http://api:8080', '/v1/orders'],
    ['http://[::1]:3000', 'http://[::1]:3000', ''],
  ])('%s has an origin and a path', (text, origin, path) => {
    expect(parseBaseUrl(text)).toEqual({ origin, path, href: origin + path });
  });

  it.each([
    '',
    'app.example.com',
    '//app.example.com',
    'ftp://app.example.com',
    'https:app.example.com',
    'https://',
    'https://user@app.example.com',
    'https://user:pw@app.example.com',
    'https://app.example.com?x=1',
    'https://app.example.com#x',
    'https://app.example.com/a b',
    'https://app.example.com//a',
    'https://app.example.com/a//b',
    'https://app.example.com/../a',
    'https://app.example.com/a/./b',
    'https://app.example.com/%61',
    'https://app.example.com\\a',
    'https://app.example.com:99999',
    'https://app.example.com\n',
    ' https://app.example.com',
  ])('%j is none', (text) => {
    expect(parseBaseUrl(text)).toBeUndefined();
  });

  it('have loopback hosts', () => {
    const loopback = [
      'http://localhost:3000',
      'http://127.0.0.1',
      'http://127.9.9.9',
      'http://[::1]:1',
      'http://app.localhost',
      'http://2130706433',
    ];
    const others = [
      'http://example.com',
      'http://localhost.example.com',
      'http://10.0.0.1',
      'http://[::2]',
      'http://0.0.0.0',
      'http://127.0.0.1.example.com',
    ];
    expect(loopback.filter((it) => !isLoopback(it))).toEqual([]);
    expect(others.filter(isLoopback)).toEqual([]);
  });

  it('have paths of plain segments', () => {
    expect(['/api', '/api/v1', '/.well-known', '/a~b_c-d'].filter((it) => !isPlainPath(it))).toEqual([]);
    expect(
      ['', '/', 'api', '/api/', '//api', '/a//b', '/.', '/a/..', '/a%62', '/a;b', '/a?b', '/a b', '/ä', '/a\n'].filter(isPlainPath),
    ).toEqual([]);
  });
});

describe('the nearest name', () => {
  it('is suggested for a slip and not for something else', () => {
    expect(nearestName('clientID', ['issuer', 'clientId', 'clientSecret'])).toBe('clientId');
    expect(nearestName('idel', ['idle', 'absolute'])).toBe('idle');
    expect(nearestName('colour', ['issuer', 'clientId'])).toBeUndefined();
    expect(nearestName('x'.repeat(100_000), ['issuer'])).toBeUndefined();
  });
});
