import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/kernel/secret.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { JsonLogger, type LogLevel } from '../../../src/ops/logger.ts';

describe('the JSON logger', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cloakroom-log-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function linesOf(level: LogLevel, write: (logger: JsonLogger) => void): Promise<Record<string, unknown>[]> {
    const file = join(folder, 'log');
    const logger = new JsonLogger({ level, clock: systemClock, fd: openSync(file, 'w') });
    write(logger);
    await logger.close();
    const text = readFileSync(file, 'utf8').trimEnd();
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('writes level, time, event and fields, in order of their calls', async () => {
    const lines = await linesOf('debug', (logger) => {
      logger.debug('first');
      logger.access({ requestId: 'r', method: 'GET', route: '/api', status: 200, durationMs: 1 });
      logger.warn('second', { count: 2, names: ['a'] });
      logger.error('third');
    });
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      ['debug', 'first'],
      ['info', 'access'],
      ['warn', 'second'],
      ['error', 'third'],
    ]);
    expect(lines[2]).toEqual({ level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), event: 'second', count: 2, names: ['a'] });
  });

  it.each([
    ['info', ['info', 'access', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s writes %j', async (level, events) => {
    const lines = await linesOf(level, (logger) => {
      logger.debug('debug');
      logger.info('info');
      logger.access({ requestId: 'r', method: 'GET', route: '/api', status: 200, durationMs: 1 });
      logger.warn('warn');
      logger.error('error');
    });
    expect(lines.map(({ event }) => event)).toEqual(events);
  });

  it.each(['info', 'error'] as const)('announces whatever the level: %s', async (level) => {
    const lines = await linesOf(level, (logger) => logger.announce('listening', { url: 'http://localhost:1' }));
    expect(lines).toEqual([{ level: 'info', time: expect.any(String), event: 'listening', url: 'http://localhost:1' }]);
  });

  it('keeps line breaks of a value inside its line, and prints no secret', async () => {
    const text = JSON.stringify(
      await linesOf('info', (logger) => logger.info('odd', { value: 'a\n{"event":"forged"}', secret: String(new Secret('canary')) })),
    );
    expect(text).not.toContain('canary');
    expect(JSON.parse(text)).toHaveLength(1);
  });
});
