import type { Talk } from './talk.ts';

/** Plays one upstream's answer. Resolves when this side has nothing more to do for it. */
export type Act = (talk: Talk) => Promise<void>;

/** What a client that does everything right may see: the whole answer, one that breaks off, or a status of its own. */
export type Outcome = 'whole' | 'cut' | 413 | 502 | 504;

interface Played {
  readonly play: Act;
  readonly outcomes: readonly Outcome[];
  /** Nothing of the answer came, and then the end: on a connection used before, a request without a body may be sent once more. */
  readonly looksStale?: true;
}

const SMALL = 200;
const LARGE = 150_000;
const PART = 4_000;

const TOO_LARGE = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n';
const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

const once = (outcome: Outcome, play: (talk: Talk) => void): Played => ({
  outcomes: [outcome],
  async play(talk) {
    await talk.whole;
    play(talk);
  },
});

const atOnce = (outcomes: readonly Outcome[], play: (talk: Talk) => void): Played => ({
  outcomes,
  async play(talk) {
    play(talk);
    await talk.whole;
  },
});

/** Says so much and then nothing more, for as long as the connection lasts. */
const silentAfter = (outcome: Outcome, part: (talk: Talk) => string): Played => ({
  outcomes: [outcome],
  async play(talk) {
    await talk.whole;
    talk.write(part(talk));
    await new Promise<never>(() => undefined);
  },
});

export const ACTS = {
  small: once('whole', (talk) => talk.write(talk.answer(SMALL))),
  large: once('whole', (talk) => talk.write(talk.answer(LARGE))),
  chunked: once('whole', (talk) => talk.write(talk.chunks(LARGE, 7_001))),
  'tiny-chunks': once('whole', (talk) => talk.write(talk.chunks(SMALL, 1))),
  empty: once('whole', (talk) => talk.write(talk.answer(0))),
  hints: once('whole', (talk) => talk.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${talk.answer(SMALL)}`)),
  trickle: {
    outcomes: ['whole'],
    async play(talk) {
      await talk.whole;
      await talk.trickle(talk.answer(SMALL));
    },
  },
  'until-fin': once('whole', (talk) => {
    talk.write(talk.head() + talk.body(LARGE));
    talk.fin();
  }),
  held: {
    outcomes: ['whole'],
    async play(talk) {
      await talk.whole;
      await talk.released;
      talk.write(talk.answer(SMALL));
    },
  },
  'fin-before-head': { ...once(502, (talk) => talk.fin()), looksStale: true },
  'rst-before-head': { ...once(502, (talk) => talk.rst()), looksStale: true },
  'fin-in-head': once(502, (talk) => {
    talk.write(talk.answer(SMALL).slice(0, 30));
    talk.fin();
  }),
  'rst-in-head': {
    outcomes: [502],
    async play(talk) {
      await talk.whole;
      talk.write(talk.answer(SMALL).slice(0, 30));
      await talk.pass();
      talk.rst();
    },
  },
  'rst-at-once': { ...atOnce([502], (talk) => talk.rst()), looksStale: true },
  'fin-in-body': once('cut', (talk) => {
    talk.write(talk.answer(LARGE).slice(0, PART));
    talk.fin();
  }),
  'fin-in-chunks': once('cut', (talk) => {
    talk.write(talk.chunks(LARGE, 1_000).slice(0, PART));
    talk.fin();
  }),
  'rst-in-body': {
    outcomes: ['cut', 502], // a reset may take with it what came before it
    async play(talk) {
      await talk.whole;
      talk.write(talk.answer(LARGE).slice(0, PART));
      await talk.pass();
      talk.rst();
    },
  },
  never: silentAfter(504, () => ''),
  'stops-in-head': silentAfter(504, (talk) => talk.answer(SMALL).slice(0, 30)),
  'stops-in-body': silentAfter('cut', (talk) => talk.answer(LARGE).slice(0, PART)),
  'early-413': atOnce([413], (talk) => talk.answerEarly(`${TOO_LARGE}\r\nbig`)),
  'early-413-unread': {
    outcomes: [413],
    async play(talk) {
      talk.stopReading();
      talk.answerEarly(`${TOO_LARGE}\r\nbig`);
      await talk.pass();
      await talk.pass();
      talk.readAgain();
      await talk.whole;
    },
  },
  'early-413-fin': atOnce([413], (talk) => {
    talk.write(`${TOO_LARGE}Connection: close\r\n\r\nbig`);
    talk.fin();
  }),
  garbage: once(502, (talk) => talk.write('\x00\x16 this is no HTTP\r\n\r\n')),
  'bad-chunk': once('cut', (talk) => talk.write(`${talk.head('Transfer-Encoding: chunked')}3\r\n${talk.body(3)}\r\nzz\r\n`)),
  'two-lengths': once(502, (talk) => talk.write(talk.head('Content-Length: 3', 'Content-Length: 4') + talk.body(4))),
  'unasked-100': once(502, (talk) => talk.write(`HTTP/1.1 100 Continue\r\n\r\n${talk.answer(SMALL)}`)),
  poison: once('whole', (talk) => talk.write(talk.answer(SMALL) + POISON)),
} satisfies Readonly<Record<string, Played>>;

export type ActName = keyof typeof ACTS;

/** All but the one that waits for a test. */
export const ACT_NAMES = (Object.keys(ACTS) as ActName[]).filter((name) => name !== 'held');

/** Whole answers on connections that are kept. */
export const KEPT_ACTS: readonly ActName[] = ['small', 'large', 'chunked', 'tiny-chunks', 'empty', 'hints'];

export const outcomesOf = (name: ActName): readonly Outcome[] => ACTS[name].outcomes;
export const looksStale = (name: ActName): boolean => 'looksStale' in ACTS[name];
