import { describe, expect, it } from '@jest/globals';
import { sourceFiles, type SourceFile } from './source-files.ts';

/** The global one, and not a method of that name. */
const GLOBAL_FETCH = /(?<![.#\w])fetch\(|\bglobalThis\.fetch\b/;
const CLIENT_NAMES = /\b(?:fetch|request|get|connect|createConnection|Agent|ClientRequest)\b/;
const NETWORK_IMPORT = /import (?!type\b)([^;]*?) from '(?:node:)?(?:https?|http2|net|tls|undici)'/g;
const WITHOUT_TYPES = /\btype \w+/g;

/** What opens connections from here to somebody else. */
const reachesOut = ({ text }: SourceFile): boolean =>
  GLOBAL_FETCH.test(text) ||
  [...text.matchAll(NETWORK_IMPORT)].some(
    ([, names = '']) => !names.includes('{') || CLIENT_NAMES.test(names.replaceAll(WITHOUT_TYPES, '')),
  );

describe('calls of our own', () => {
  it('are made by the HTTP client of the kernel and by nobody else; the proxy only forwards', () => {
    const callers = sourceFiles('src')
      .filter(reachesOut)
      .map(({ path }) => path);
    expect(callers.filter((path) => !path.startsWith('src/proxy/'))).toEqual(['src/kernel/http-client.ts']);
    expect(callers).toContain('src/proxy/dial.ts');
  });

  it.each([
    ["import { request } from 'node:http';", true],
    ["import { connect, isIP } from 'node:net';", true],
    ["import http from 'node:http';", true],
    ["import { fetch } from 'undici';", true],
    ["import { Agent, type Dispatcher } from 'undici';", true],
    ['await fetch(url)', true],
    ['globalThis.fetch', true],
    ['http.fetch(url)', false],
    ['this.#fetch(url)', false],
    ["import { isIP } from 'node:net';", false],
    ["import { createServer, type Agent } from 'node:http';", false],
    ["import type { request } from 'node:http';", false],
  ])('are recognised: %j', (text, expected) => {
    expect(reachesOut({ path: 'src/x.ts', text })).toBe(expected);
  });
});
