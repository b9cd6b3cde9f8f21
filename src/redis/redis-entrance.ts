import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { Secret } from '../kernel/secret.ts';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import { hostLookup } from './host-lookup.ts';
import type { RedisAddress, RedisSettings, RedisTarget } from './redis-settings.ts';

type Entrance = Omit<RedisTarget, 'address'>;

/** How we get in at every server of these settings: what does not change, and what the files say now. */
export class RedisEntrance {
  readonly #settings: RedisSettings;
  readonly #lookup = hostLookup();
  readonly #url: URL | undefined;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#url = settings.url === undefined ? undefined : new URL(settings.url);
  }

  /** Reads the files, as a rotated password or authority is there from now on. Rejects with StoreUnavailableError. */
  async to(address: RedisAddress): Promise<RedisTarget> {
    return { address, ...this.#lasting(), ...(await this.#fromFiles()) };
  }

  /** A sentinel has no users of ours and no databases. */
  async toSentinel(address: RedisAddress): Promise<RedisTarget> {
    const { tls } = await this.#fromFiles();
    return { address, database: 0, lookup: this.#lookup, ...(tls && { tls }) };
  }

  #lasting(): Entrance {
    const username = this.#settings.username ?? decodeURIComponent(this.#url?.username ?? '');
    const database = Number(this.#url?.pathname.slice(1) ?? 0);
    return { database, lookup: this.#lookup, ...(username !== '' && { username }) };
  }

  async #fromFiles(): Promise<Pick<RedisTarget, 'password' | 'tls'>> {
    const { passwordFile, caFile, serverName } = this.#settings;
    const usesTls = this.#settings.tls || this.#url?.protocol === 'rediss:';
    const password = passwordFile === undefined ? this.#settings.password : await passwordIn(passwordFile);
    const authority = caFile === undefined || !usesTls ? undefined : await contentOf(caFile, 'ca_file');
    const tls = {
      ...(authority !== undefined && { ca: [...getCACertificates('default'), authority] }),
      ...(serverName !== undefined && { serverName }),
    };
    return { ...(password && { password }), ...(usesTls && { tls }) };
  }
}

/** As the configuration reads it: without the newline at its end. */
async function passwordIn(file: string): Promise<Secret> {
  const password = (await contentOf(file, 'password_file')).replace(/\r?\n$/, '');
  // A file that is being rewritten is empty for a moment; the next attempt finds it whole.
  if (password === '') throw new StoreUnavailableError('password_file', false);
  return new Secret(password);
}

async function contentOf(file: string, reason: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    // The reason names the key that names the file; the file system's words would quote it.
    throw new StoreUnavailableError(reason, false);
  }
}
