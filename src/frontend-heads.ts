import type { Config } from './config/config.ts';
import { refreshTokensOf } from './config/provider-presets.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/logger.ts';
import type { TicketWrap } from './cookie/ticket-wrap.ts';
import { pause, systemTimer } from './kernel/timer.ts';
import type { RedisLink } from './redis/redis-link.ts';
import { CoordinatedSessionHead } from './session/coordinated-session-head.ts';
import { MemorySessionHead } from './session/memory-session-head.ts';
import { RedisSessionHead } from './session/redis-session-head.ts';
import type { LocalHeads, SessionHead } from './session/session-head.ts';
import { UnsharedWords } from './session/unshared-words.ts';
import { mayGoOnAlone } from './tokens/going-on-alone.ts';
import { RefreshTokenRotation } from './tokens/refresh-token-rotation.ts';

export interface HeadCounts {
  readonly evicted: number;
  readonly alone: number;
  /** Words that the store could not be told yet. */
  readonly unshared: number;
  /** Those that there was no room for. */
  readonly lost: number;
}

export interface Heads {
  readonly head: SessionHead & LocalHeads;
  readonly rotation: RefreshTokenRotation;
  /** For metrics. */
  counts(): HeadCounts;
  /** Tells the store what is left to tell. */
  close(): Promise<void>;
}

export interface HeadSurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly redis: RedisLink | undefined;
  readonly wrap: TicketWrap;
}

/** A store that was emptied is found out within this time, and then given as long again to be told what it should know. */
const LOOK_EVERY_MS = 2000;
const GATHER_MS = 5000;
/** A store that answers at all takes what is left within this time. */
const LAST_WORDS_MS = 1000;

/** Who knows the newest generations: this process alone, or all replicas together. */
export function createHeads(config: Config, surroundings: HeadSurroundings): Heads {
  const { clock, logger, redis } = surroundings;
  const { refresh, replicas } = config;
  const rotation = new RefreshTokenRotation({
    known: refreshTokensOf(config.provider.preset),
    uncoordinated: replicas > 1 && redis === undefined,
    logger,
  });
  const local = new MemorySessionHead({ clock, ...timesOf(config), memory: refresh.headMemory });
  if (redis === undefined) {
    return {
      head: local,
      rotation,
      counts: () => ({ evicted: local.evicted, alone: 0, unshared: 0, lost: 0 }),
      close: () => Promise.resolve(),
    };
  }
  const { withoutCoordination, providerLeeway } = refresh;
  const alone = (): boolean => mayGoOnAlone({ withoutCoordination, providerLeeway, rotation });
  const { head, unshared } = coordinated(config, local, alone, { ...surroundings, redis });
  const stopLooking = lookAfter(head, redis, logger);
  const close = async (): Promise<void> => {
    stopLooking();
    if (unshared.size > 0) await Promise.race([unshared.catchUp(), pause(LAST_WORDS_MS, systemTimer)]);
    unshared.close();
  };
  return {
    head,
    rotation,
    counts: () => ({ evicted: local.evicted, alone: head.begunAlone, unshared: unshared.size, lost: unshared.lost }),
    close,
  };
}

const timesOf = ({ refresh, session }: Config) => ({ handover: refresh.handover, confirmAfter: refresh.confirmAfter, idle: session.idle });

function coordinated(
  config: Config,
  local: MemorySessionHead,
  mayGoOnAlone: () => boolean,
  { clock, logger, redis, wrap }: HeadSurroundings & { readonly redis: RedisLink },
): { readonly head: CoordinatedSessionHead; readonly unshared: UnsharedWords } {
  const times = timesOf(config);
  const time = clock === systemClock ? 'of-store' : 'of-clock';
  // Where a second use of a refresh token does no harm, nobody has to wait for those who know better.
  const gatherFor = (): number => (mayGoOnAlone() ? 0 : GATHER_MS);
  const shared = new RedisSessionHead({ scripts: redis, wrap, clock, time, gatherFor, ...times });
  const unshared = new UnsharedWords({ shared, clock, timer: systemTimer, logger });
  const sureFor = times.confirmAfter + times.handover;
  return { head: new CoordinatedSessionHead({ shared, local, unshared, mayGoOnAlone, clock, sureFor, logger }), unshared };
}

/** Reminds a store that was away, or was emptied, of what this process knows. Gives back what stops that. */
function lookAfter(head: CoordinatedSessionHead, redis: RedisLink, logger: Logger): () => void {
  let cancel: () => void = () => undefined;
  const told = (work: Promise<void>): void =>
    void work.catch((error: unknown) =>
      logger.error('shared_store_not_told', { error: error instanceof Error ? error.name : typeof error }),
    );
  const look = (): void => {
    if (redis.status === 'up') told(head.lookAtStore());
    cancel = systemTimer.after(LOOK_EVERY_MS, look);
  };
  const stopListening = redis.onStatus((status) => {
    if (status === 'up') told(head.storeIsBack());
  });
  look();
  return () => {
    stopListening();
    cancel();
  };
}
