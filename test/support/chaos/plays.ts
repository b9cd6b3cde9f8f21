import type { SeededRandom } from '../random.ts';
import { KEPT_ACTS } from './acts.ts';
import type { ChaosClient } from './client.ts';
import type { PlannedRequest, Wishes } from './requests.ts';

/** How one connection of a client goes. `requests`: what it may send. */
export interface Play extends Wishes {
  /** Everything is done right: each request must come to one of the outcomes of its act. */
  readonly isGood: boolean;
  readonly requests: number;
  run(client: ChaosClient, requests: readonly PlannedRequest[], random: SeededRandom): Promise<void>;
}

type Leave = (client: ChaosClient) => void;

const first = ([request]: readonly PlannedRequest[]): PlannedRequest => {
  if (request === undefined) throw new Error('a play without a request');
  return request;
};
const partOf = (text: string, random: SeededRandom): string => text.slice(0, random.integer(text.length));
const fin: Leave = (client) => client.fin();
const rst: Leave = (client) => client.rst();
/** A side that never closes: the other one must. */
const stay: Leave = () => undefined;

/** Sends what `part` says, leaves in that manner, and waits for the other side to close. */
const leaving = (leave: Leave, part: (request: PlannedRequest, random: SeededRandom) => string): Play => ({
  isGood: false,
  requests: 1,
  async run(client, requests, random) {
    client.send(part(first(requests), random));
    // What is left unsaid must have arrived, or there would be nothing to leave.
    await new Promise((resolve) => setImmediate(resolve));
    leave(client);
    await client.over();
  },
});

const leavingAfter = (leave: Leave, until: (client: ChaosClient) => Promise<void>): Play => ({
  isGood: false,
  requests: 1,
  async run(client, requests) {
    const { head, body } = first(requests);
    client.send(head + body);
    await until(client);
    leave(client);
    await client.over();
  },
});

const begun = (client: ChaosClient): Promise<void> => client.begun(0);
const reading = (client: ChaosClient): Promise<void> => client.until(() => (client.answers[0]?.body.length ?? 0) > 0);
const answered = (client: ChaosClient): Promise<void> => client.answered(0);

const nothing = (): string => '';
const inHead = (request: PlannedRequest, random: SeededRandom): string => partOf(request.head, random);
const afterHead = (request: PlannedRequest): string => request.head;
const inBody = (request: PlannedRequest, random: SeededRandom): string => request.head + partOf(request.body, random);
const all = (request: PlannedRequest): string => request.head + request.body;

async function oneAfterAnother(client: ChaosClient, requests: readonly PlannedRequest[]): Promise<void> {
  for (const [at, request] of requests.entries()) {
    client.send(all(request));
    await client.answered(at);
  }
}

export const PLAYS = {
  'one after another': { isGood: true, requests: 3, run: oneAfterAnother },
  'comes back': { isGood: true, requests: 12, bodiless: true, acts: KEPT_ACTS, run: oneAfterAnother },
  pipelined: {
    isGood: true,
    requests: 3,
    bodiless: true,
    async run(client, requests) {
      client.send(requests.map(all).join(''));
      await client.answered(requests.length - 1);
    },
  },
  'byte by byte': {
    isGood: true,
    requests: 1,
    async run(client, requests) {
      const { head, body } = first(requests);
      await client.trickle(head.slice(0, 60), 1);
      client.send(head.slice(60, -60));
      await client.trickle(head.slice(-60) + body.slice(0, 60), 1);
      client.send(body.slice(60, -10));
      await client.trickle(body.slice(Math.max(60, body.length - 10)), 1);
      await client.answered(0);
    },
  },
  'reads slowly': {
    isGood: true,
    requests: 1,
    async run(client, requests) {
      client.send(all(first(requests)));
      await client.readSlowly(20);
      await client.answered(0);
    },
  },
  'fin before': leaving(fin, nothing),
  'rst before': leaving(rst, nothing),
  'fin in head': leaving(fin, inHead),
  'rst in head': leaving(rst, inHead),
  'fin after head': leaving(fin, afterHead),
  'rst after head': leaving(rst, afterHead),
  'fin in body': leaving(fin, inBody),
  'rst in body': leaving(rst, inBody),
  'fin after request': leaving(fin, all),
  'rst after request': leaving(rst, all),
  'fin after answer head': leavingAfter(fin, begun),
  'rst after answer head': leavingAfter(rst, begun),
  'fin in answer': leavingAfter(fin, reading),
  'rst in answer': leavingAfter(rst, reading),
  'stays without a word': leaving(stay, nothing),
  'stays in head': leaving(stay, inHead),
  'stays in body': leaving(stay, inBody),
  'stays after answer': leavingAfter(stay, answered),
  garbage: leaving(stay, (_request, random) => `${random.text('\0\r\n :aGET/', 60)}\r\n\r\n`),
  'garbage behind': leaving(stay, (request, random) => `${all(request)}${random.text('\0\r\n :aGET/', 60)}\r\n\r\n`),
} satisfies Readonly<Record<string, Play>>;

export type PlayName = keyof typeof PLAYS;
export const PLAY_NAMES = Object.keys(PLAYS) as PlayName[];
