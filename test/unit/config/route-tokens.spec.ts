import { describe, expect, it } from '@jest/globals';
import { config, problems, warnings, yamlOf } from './sample.ts';

const route = (rest: string): Record<string, string> => ({ routes: `[{ path: /api, upstream: http://api, ${rest} }]` });
const ONLY_WITH_BEARER = 'is for token: user, client or exchange';
const A_RESOURCE = 'must be an absolute URI without a fragment (RFC 8707)';

describe('the token of a route', () => {
  it.each(['user', 'optional', 'client', 'exchange', 'none'])('may be %s', (token) => {
    expect(problems({ yaml: yamlOf(route(`token: ${token}`)) })).toEqual([]);
  });

  it.each(['user', 'client', 'exchange'])('of %s may be for a resource, an audience and a scope', (token) => {
    const rest = `token: ${token}, resource: "https://api.example/orders?v=1", audience: orders, scope: [orders.read, "urn:x:y"]`;
    expect(problems({ yaml: yamlOf(route(rest)) })).toEqual([]);
    expect(config({ yaml: yamlOf(route(rest)) }).routes[0]).toMatchObject({
      resource: 'https://api.example/orders?v=1',
      audience: 'orders',
      scope: ['orders.read', 'urn:x:y'],
    });
  });

  it.each([
    ['optional', 'scope: [a]', 'scope'],
    ['optional', 'resource: "urn:a"', 'resource'],
    ['optional', 'audience: a', 'audience'],
    ['none', 'scope: [a]', 'scope'],
    ['none', 'resource: "urn:a"', 'resource'],
    ['none', 'audience: a', 'audience'],
  ])('of %s may not have %s', (token, rest, key) => {
    expect(problems({ yaml: yamlOf(route(`token: ${token}, ${rest}`)) })).toEqual([`routes[0].${key}: ${ONLY_WITH_BEARER}`]);
  });

  it.each([
    ['urn:example:orders', []],
    ['https://api.example', []],
    ['api.example', [A_RESOURCE]],
    ['/orders', [A_RESOURCE]],
    ['https://api.example/#', [A_RESOURCE]],
    ['https://api.example/#orders', [A_RESOURCE]],
    ['https://api.example/a b', [A_RESOURCE]],
    ['https://api.example/ä', [A_RESOURCE]],
  ])('is for the resource %s: %j', (resource, found) => {
    expect(problems({ yaml: yamlOf(route(`resource: "${resource}"`)) })).toEqual(found.map((it) => `routes[0].resource: ${it}`));
  });

  it.each([
    ['["a b"]', 'must be a list of scope words'],
    [`['a"b']`, 'must be a list of scope words'],
    ['[a, a]', 'must not name anything twice'],
  ])('has no scope %s', (scope, found) => {
    expect(problems({ yaml: yamlOf(route(`scope: ${scope}`)) })).toEqual([`routes[0].scope: ${found}`]);
  });

  it('cannot be our own without a way to authenticate', () => {
    const provider = '{ issuer: https://id.example.com, clientId: app, clientAuthMethod: none }';
    expect(problems({ yaml: yamlOf({ provider, ...route('token: client') }) })).toEqual([
      'routes[0].token: may not be client while provider.clientAuthMethod is none: a client without a secret gets no token of its own',
    ]);
    expect(problems({ yaml: yamlOf({ provider, ...route('token: exchange') }) })).toEqual([]);
  });

  it('that is our own for everybody is worth a warning', () => {
    expect(warnings({ yaml: yamlOf(route('token: client')) })).toEqual([
      'route /api: token: client without access: whoever reaches this app is served there, signed in or not',
    ]);
    const access = 'token: client, access: { allow: [{ claim: groups, anyOf: [staff] }] }';
    expect(warnings({ yaml: yamlOf(route(access)) })).toEqual([]);
  });
});
