import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisLink, type RedisLinkOptions, type RedisStatus } from '../../src/redis/redis-link.ts';
import type { RedisSettings } from '../../src/redis/redis-settings.ts';
import { RecordingLogger } from './recording-logger.ts';

export interface OpenLink {
  readonly link: RedisLink;
  readonly log: RecordingLogger;
}

/** Opens links and closes them all. */
export interface RedisLinks {
  /** After its first attempt to connect. */
  open(settings: Partial<RedisSettings>, options?: Partial<RedisLinkOptions>): Promise<OpenLink>;
  /** Waits until the link has this status. */
  until(link: RedisLink, status: RedisStatus): Promise<void>;
  /** A file with this content, such as a password, until `close`. */
  file(content: string): Promise<string>;
  close(): void;
}

export function openLinks(): RedisLinks {
  const opened: RedisLink[] = [];
  const folders: string[] = [];
  return {
    open: async (settings, options) => {
      const log = new RecordingLogger();
      const whole = { tls: false, keyPrefix: 'test:', timeout: 300, ...settings };
      const link = new RedisLink({ settings: whole, logger: log, ...options });
      opened.push(link);
      await link.start();
      return { link, log };
    },
    until: (link, status) =>
      new Promise((resolve) => {
        const settle = (now: RedisStatus): void => {
          if (now !== status) return;
          stop();
          resolve();
        };
        const stop = link.onStatus(settle);
        settle(link.status);
      }),
    file: async (content) => {
      const folder = await mkdtemp(join(tmpdir(), 'redis-link-'));
      folders.push(folder);
      const name = join(folder, 'content');
      await writeFile(name, content);
      return name;
    },
    close: () => {
      for (const link of opened.splice(0)) link.close();
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
    },
  };
}
