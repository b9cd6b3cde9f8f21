import { createApp } from './app.ts';
import type { Config } from './config/config.ts';
import { systemClock } from './kernel/clock.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import { pause, systemTimer } from './kernel/timer.ts';
import { PortUnavailableError } from './ops/listen.ts';
import { JsonLogger } from './ops/logger.ts';
import { Shutdown } from './ops/shutdown.ts';

/** For a reader of our log that has stalled. */
const LAST_LINES_MS = 500;

/** Runs the proxy until a signal stops it. A port that cannot be had: a sentence on stderr, exit 1. */
export async function serve(config: Config, warnings: readonly string[]): Promise<void> {
  const logger = new JsonLogger({ level: config.log.level, clock: systemClock });
  const exit = (code: number): void => {
    void Promise.race([logger.close(), pause(LAST_LINES_MS, systemTimer)]).then(() => process.exit(code));
  };
  for (const warning of warnings) logger.warn('configuration_warning', { warning });
  const onAnswered: OnAnswered = (fact) => logger.access(fact);
  const app = await createApp(config, { clock: systemClock, logger, ...(config.log.access && { onAnswered }) });
  const steps = {
    announce: () => {
      logger.info('draining');
      app.announceShutdown();
    },
    stop: () => app.stop(),
    exit,
  };
  const shutdown = new Shutdown(steps, config.shutdown.delay, logger);
  process.on('SIGTERM', () => shutdown.signal());
  process.on('SIGINT', () => shutdown.signal());
  try {
    const { url, managementUrl } = await app.listen();
    logger.announce('listening', { url, managementUrl });
  } catch (error) {
    if (!(error instanceof PortUnavailableError)) throw error;
    process.stderr.write(`${error.message}\n`);
    exit(1);
  }
}
