import { describe, expect, it } from '@jest/globals';
import { mergedParams } from '../../../src/oidc/authorization-params.ts';

describe('parameters of an authorization request', () => {
  it.each([
    [{ prompt: 'consent' }, { prompt: 'select_account' }, 'select_account consent'],
    [{ prompt: 'consent' }, { prompt: 'consent' }, 'consent'],
    [{ prompt: 'consent' }, { prompt: 'none' }, 'none'],
    [{ prompt: 'none' }, { prompt: 'login' }, 'login'],
    [{ prompt: 'consent' }, {}, 'consent'],
    [{}, { prompt: 'login' }, 'login'],
  ])('joins prompt %j with %j to %s', (configured, requested, prompt) => {
    expect(mergedParams(configured, requested)).toEqual({ prompt });
  });

  it('lets a login override every other parameter, and adds no prompt of its own', () => {
    expect(mergedParams({ audience: 'api', ui_locales: 'en' }, { ui_locales: 'de' })).toEqual({ audience: 'api', ui_locales: 'de' });
  });
});
