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

/** A store that answers at all takes what is left within this time. */
const LAST_WORDS_MS = 1000;

/** Who knows the newest generations: this process alone, or all replicas together. */
export function createHeads(config: Config, { clock, logger, redis, wrap }: HeadSurroundings): Heads {
  const { refresh, session, replicas } = config;
  const times = { handover: refresh.handover, confirmAfter: refresh.confirmAfter, idle: session.idle };
  const rotation = new RefreshTokenRotation({
    known: refreshTokensOf(config.provider.preset),
    uncoordinated: replicas > 1 && redis === undefined,
    logger,
  });
  const local = new MemorySessionHead({ clock, ...times, memory: refresh.headMemory });
  const evicted = (): number => local.evicted;
  if (redis === undefined) {
    return { head: local, rotation, counts: () => ({ evicted: evicted(), alone: 0, unshared: 0, lost: 0 }), close: () => Promise.resolve() };
  }
  const time = clock === systemClock ? 'of-store' : 'of-clock';
  const shared = new RedisSessionHead({ scripts: redis, wrap, clock, time, ...times });
  const unshared = new UnsharedWords({ shared, clock, timer: systemTimer, logger });
  const { withoutCoordination, providerLeeway } = refresh;
  const alone = (): boolean => mayGoOnAlone({ withoutCoordination, providerLeeway, rotation });
  const head = new CoordinatedSessionHead({
    shared,
    local,
    unshared,
    mayGoOnAlone: alone,
    clock,
    sureFor: times.confirmAfter + times.handover,
    logger,
  });
  redis.onStatus((status) => {
    if (status !== 'up') return;
    head
      .storeIsBack()
      .catch((error: unknown) => logger.error('shared_store_not_told', { error: error instanceof Error ? error.name : typeof error }));
  });
  const close = async (): Promise<void> => {
    if (unshared.size > 0) await Promise.race([unshared.catchUp(), pause(LAST_WORDS_MS, systemTimer)]);
    unshared.close();
  };
  const counts = (): HeadCounts => ({ evicted: evicted(), alone: head.begunAlone, unshared: unshared.size, lost: unshared.lost });
  return { head, rotation, counts, close };
}
