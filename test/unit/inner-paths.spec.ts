import { describe, expect, it } from '@jest/globals';
import { endpointOf } from '../../src/inner-paths.ts';

describe('the name of an inside path in the access line', () => {
  it.each([
    ['/auth/session', true, '/auth/session'],
    ['/auth/logout/provider', true, '/auth/logout/provider'],
    ['/auth/session/x', true, 'refused'],
    ['/auth', true, 'refused'],
    ['/authors', true, 'spa'],
    ['/bff/session', true, 'spa'],
    ['/', true, 'spa'],
    ['/', false, 'refused'],
  ])('%s (pages: %s) is %s', (path, hasPages, name) => {
    expect(endpointOf(path, { basePath: '/auth', hasPages })).toBe(name);
  });
});
