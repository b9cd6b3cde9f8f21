import { describe, expect, it } from '@jest/globals';
import type { Forwarder } from '../../../src/proxy/forwarder.ts';
import { RequestTraffic, WebSocketPlaces, WebSocketTraffic } from '../../../src/proxy/traffic.ts';

const forwarder: Forwarder = { forward: () => undefined, close: () => Promise.resolve() };

describe('the places of a route’s requests', () => {
  it('are as many as the route admits, and free again when one has left', () => {
    const traffic = new RequestTraffic(forwarder, { maxAge: 1, maxInFlight: 2 });
    expect([traffic.enter(), traffic.enter(), traffic.enter()]).toEqual([true, true, false]);
    traffic.leave();
    expect([traffic.enter(), traffic.enter()]).toEqual([true, false]);
  });
});

describe('the places of WebSockets', () => {
  const open = (limits: Partial<WebSocketPlaces['limits']>, isStopping = () => false): WebSocketTraffic[] => {
    const places = new WebSocketPlaces({ maxAge: 1, perSession: 2, total: 3, ...limits });
    return [1, 2].map(() => new WebSocketTraffic(forwarder, places, isStopping));
  };

  it('are limited for each session, over all routes', () => {
    const [one, two] = open({});
    expect([one?.enter('a'), two?.enter('a'), one?.enter('a'), one?.enter('b')]).toEqual([true, true, false, true]);
    two?.leave('a');
    expect([one?.enter('a'), two?.enter('a')]).toEqual([true, false]);
  });

  it('are limited in all, with or without a session', () => {
    const [one, two] = open({});
    expect([one?.enter('a'), two?.enter('b'), one?.enter(undefined), two?.enter(undefined)]).toEqual([true, true, true, false]);
    one?.leave(undefined);
    expect(two?.enter('c')).toBe(true);
  });

  it('take nothing away from other sessions when one is refused', () => {
    const [one] = open({ perSession: 1, total: 2 });
    expect([one?.enter('a'), one?.enter('a'), one?.enter('a'), one?.enter('b')]).toEqual([true, false, false, true]);
  });

  it('are closed when the process stops', () => {
    let stopping = false;
    const [one] = open({}, () => stopping);
    expect(one?.enter('a')).toBe(true);
    stopping = true;
    expect(one?.enter('b')).toBe(false);
    one?.leave('a');
  });
});
