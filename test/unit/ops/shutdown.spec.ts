import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { atMost, Shutdown, ShutdownOverdueError, takeAll } from '../../../src/ops/shutdown.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

describe('shutdown', () => {
  it('announces, stops, and exits 0, in this order', async () => {
    const steps: string[] = [];
    await new Promise<void>((resolve) => {
      const exit = (code: number): void => {
        steps.push(`exit ${code}`);
        resolve();
      };
      const stop = async (): Promise<void> => void steps.push('stop');
      new Shutdown({ announce: () => steps.push('announce'), stop, exit }, 0, silentLogger).signal();
    });
    expect(steps).toEqual(['announce', 'stop', 'exit 0']);
  });

  it('exits 1 when stopping fails, with the name of the reason in the log, and at once on a second signal', async () => {
    const logger = new RecordingLogger();
    const codes: number[] = [];
    await new Promise<void>((resolve) => {
      const exit = (code: number): void => {
        codes.push(code);
        resolve();
      };
      new Shutdown({ announce: () => undefined, stop: () => Promise.reject(new RangeError('stuck')), exit }, 0, logger).signal();
    });
    const hanging = new Shutdown(
      { announce: () => undefined, stop: () => new Promise(() => undefined), exit: (code) => codes.push(code) },
      0,
      logger,
    );
    hanging.signal();
    hanging.signal();
    expect(codes).toEqual([1, 1]);
    expect(logger.of('shutdown_failed').map(({ fields }) => fields)).toEqual([{ error: 'RangeError' }]);
  });
});

describe('the steps of stopping', () => {
  it('are all taken, in order, and the first error comes at the end', async () => {
    const taken: string[] = [];
    const step = (name: string, error?: Error) => async (): Promise<void> => {
      taken.push(name);
      await Promise.resolve();
      if (error !== undefined) throw error;
    };
    const all = takeAll([
      step('drain'),
      step('frontend', new Error('first')),
      step('application', new Error('second')),
      step('management'),
    ]);
    await expect(all).rejects.toThrow('first');
    expect(taken).toEqual(['drain', 'frontend', 'application', 'management']);
    await takeAll([step('again')]);
  });

  it('have no more time than they are given', async () => {
    await expect(atMost(1, 'the frontend', new Promise(() => undefined))).rejects.toThrow(ShutdownOverdueError);
    await atMost(60_000, 'the frontend', Promise.resolve());
    await expect(atMost(60_000, 'the frontend', Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  });
});
