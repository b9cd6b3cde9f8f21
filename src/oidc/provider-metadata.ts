import type { Clock } from '../kernel/clock.ts';
import { reasonOf } from '../kernel/http-client-error.ts';
import type { HttpClient } from '../kernel/http-client.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import { parseJsonObject } from './json-object.ts';
import { LastGood, type Fetched } from './last-good.ts';
import { discoveryUrl, readMetadata, staticDocument, type ProviderDocument } from './metadata-document.ts';
import type { ProviderOptions } from './provider-options.ts';

export interface ProviderMetadataOptions {
  readonly provider: Pick<ProviderOptions, 'issuer' | 'endpoints' | 'metadataRefresh'>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After every good reading, the first one included. */
  readonly onLoaded: () => void;
  readonly timer: Timer;
}

/** The provider's discovery document: read in the background, read again now and then, and never lost once it was good. */
export class ProviderMetadata {
  readonly #options: ProviderMetadataOptions;
  readonly #static: ProviderDocument | undefined;
  readonly #kept: LastGood<ProviderDocument>;
  #lastCause: string | undefined;

  constructor(options: ProviderMetadataOptions) {
    this.#options = options;
    this.#static = staticDocument(options.provider.issuer, options.provider.endpoints);
    this.#kept = new LastGood({
      load: () => this.#load(),
      interval: options.provider.metadataRefresh,
      clock: options.clock,
      timer: options.timer,
      onEnd: (outcome) => this.#report(outcome),
    });
  }

  /** True when all endpoints are configured and nothing is ever discovered. */
  get isStatic(): boolean {
    return this.#static !== undefined;
  }

  get current(): ProviderDocument | undefined {
    return this.#static ?? this.#kept.current;
  }

  get status(): 'up' | 'down' | 'unknown' {
    return this.#kept.status;
  }

  start(): void {
    if (this.#static === undefined) void this.#kept.reload();
    else this.#options.onLoaded();
  }

  /** The document, discovered on demand when there is none yet; `undefined` after one attempt that failed. */
  async ready(): Promise<ProviderDocument | undefined> {
    return this.#static ?? (await this.#kept.ready());
  }

  close(): void {
    this.#kept.close();
  }

  async #load(): Promise<Fetched<ProviderDocument>> {
    const { http, provider } = this.#options;
    try {
      const response = await http.fetch(discoveryUrl(provider.issuer), { headers: { accept: 'application/json' } });
      if (response.status !== 200) return failed(`http_${response.status}`, response.status < 500 && response.status !== 429);
      const metadata = parseJsonObject(await response.text());
      if (metadata === undefined) return failed('not_json', true);
      const reading = readMetadata(metadata, provider.issuer, provider.endpoints);
      return reading.kind === 'document' ? { kind: 'fetched', value: reading.document } : failed(reading.cause, true);
    } catch (error) {
      const reason = reasonOf(error);
      return failed(reason, reason === 'redirect');
    }
  }

  /** One line when the state changes; a provider that stays down would otherwise fill the log. */
  #report(outcome: Fetched<ProviderDocument>): void {
    const { logger, provider, onLoaded } = this.#options;
    const cause = outcome.kind === 'failed' ? outcome.cause : 'none';
    const changed = cause !== this.#lastCause;
    this.#lastCause = cause;
    if (outcome.kind === 'fetched') {
      if (changed) logger.info('provider_metadata_loaded', { issuer: provider.issuer });
      onLoaded();
      return;
    }
    const fields = { issuer: provider.issuer, cause, lastGoodKept: this.#kept.current !== undefined };
    if (!changed) logger.debug('provider_metadata_failed', fields);
    else if (outcome.misconfigured) logger.error('provider_misconfigured', fields);
    else logger.warn('provider_metadata_failed', fields);
  }
}

function failed(cause: string, misconfigured: boolean): Fetched<never> {
  return { kind: 'failed', cause, misconfigured };
}
