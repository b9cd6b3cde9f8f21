import { SeededRandom } from '../random.ts';
import { ChaosClient, type Onlooker } from './client.ts';
import { PLAY_NAMES, PLAYS, type Play } from './plays.ts';
import { planRequest, type PlannedRequest, type Sender } from './requests.ts';
import type { ChaosUpstream } from './upstream.ts';
import { isAllowed, isCutInTheQueue, isTolerable, mayBeLost, mostHits, seenOf, wasLost, type Seen } from './verdict.ts';

export interface StormOptions {
  readonly seed: number;
  readonly cycles: number;
  /** Clients at once. */
  readonly atOnce: number;
  readonly port: number;
  readonly sender: Sender;
  readonly upstream: ChaosUpstream;
}

/** What a storm came to. */
export interface Damage {
  /** One line for each thing that must not be, with the cycle that has it. */
  readonly faults: string[];
  /** How often each play was played, each act was called and each outcome was seen; and what became of connections closed while they were idle. */
  readonly counts: Map<string, number>;
  /** How often a request may reach the upstream, by id. */
  readonly mostHits: Map<string, number>;
}

/** A client that waits longer than this has been forgotten. Milliseconds; far more than all the limits of the house together. */
const FORGOTTEN = 20_000;

/** Plays random clients against random acts of the upstream. The same seed and cycle is the same play. */
export async function storm(options: StormOptions): Promise<Damage> {
  const damage: Damage = { faults: [], counts: new Map(), mostHits: new Map() };
  let next = 0;
  const work = async (): Promise<void> => {
    for (let cycle = next++; cycle < options.cycles; cycle = next++) await playOne(options, cycle, damage);
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  judgeHits(damage, options.upstream);
  return damage;
}

async function playOne(options: StormOptions, cycle: number, damage: Damage): Promise<void> {
  const random = new SeededRandom(options.seed * 100_003 + cycle);
  const name = random.pick(PLAY_NAMES);
  const play: Play = PLAYS[name];
  const length = play.requests === 1 ? 1 : 1 + random.integer(play.requests);
  const requests = Array.from({ length }, (_, at) =>
    planRequest(random, `${options.seed.toString(36)}x${String(cycle)}x${String(at)}`, options.sender, play),
  );
  const client = await ChaosClient.open(options.port, onlooker(options.upstream, play, random));
  const fault = (text: string): number => damage.faults.push(`seed ${String(options.seed)} cycle ${String(cycle)} (${name}): ${text}`);
  if (!(await inTime(play.run(client, requests, random)))) fault(`forgotten, ${requests.map(({ act }) => act).join(', ')}`);
  count(damage, `play ${name}`);
  judge({ play, requests, client }, options.upstream, damage, fault);
  client.destroy();
}

/** In many plays the upstream closes its idle connections about when a request is on its way to it. */
function onlooker(upstream: ChaosUpstream, play: Play, random: SeededRandom): Onlooker {
  const doesDrop = play.requests > 1 || random.chance(2);
  return {
    answered: (id) => upstream.answered(id),
    sent: () => {
      if (doesDrop) void upstream.dropIdle(random.pick(['fin', 'rst']), random.integer(4));
    },
  };
}

interface Played {
  readonly play: Play;
  readonly requests: readonly PlannedRequest[];
  readonly client: ChaosClient;
}

function judge({ play, requests, client }: Played, upstream: ChaosUpstream, damage: Damage, fault: (text: string) => void): void {
  const before: Seen[] = [];
  for (const [at, request] of requests.entries()) {
    const seen = seenOf(request, client.answers[at]);
    const isLost = wasLost(seen, upstream.hits.get(request.id) ?? 0);
    count(damage, `act ${request.act}`);
    count(damage, isLost ? 'lost' : `seen ${String(seen)}`);
    const isFine = isLost ? mayBeLost(request) : mayBeSeen(play, request, seen, before);
    const came = `came to: ${String(seen)}${isLost ? ', and never upstream' : ''}`;
    if (!isFine) fault(`${request.method} ${request.act} of ${String(request.body.length)} bytes ${came}`);
    before.push(seen);
    damage.mostHits.set(request.id, mostHits(request));
  }
}

function mayBeSeen(play: Play, { act }: PlannedRequest, seen: Seen, before: readonly Seen[]): boolean {
  if (play.bodiless === true && isCutInTheQueue(act, seen, before)) return true;
  return play.isGood ? isAllowed(act, seen, before) : isTolerable(act, seen);
}

/** Every request once, or twice where that is allowed; no more lost than connections that were dropped. */
function judgeHits({ faults, counts, mostHits: most }: Damage, upstream: ChaosUpstream): void {
  const { hits, late, violations } = upstream;
  for (const [id, times] of hits) {
    if (times > (most.get(id) ?? 0)) faults.push(`${id} reached the upstream ${String(times)} times`);
  }
  counts.set('dropped', upstream.dropped);
  counts.set('late', late.size);
  counts.set('sent again', [...late].filter((id) => hits.has(id)).length);
  if ((counts.get('lost') ?? 0) > upstream.dropped) faults.push('more requests were lost than connections were dropped');
  upstream.forget();
  faults.push(...violations.splice(0).map((it) => `upstream: ${it}`));
}

function count({ counts }: Damage, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function inTime(running: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), FORGOTTEN);
    running.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
