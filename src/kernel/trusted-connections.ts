import type { SecureContext } from 'node:tls';
import { FromFiles } from './from-files.ts';
import { tlsContext, UnusableTlsFile } from './tls-context.ts';

/** What became of another content of a CA file; `problem` is what is wrong with it, and nothing that is in it. */
export type AuthoritiesOutcome = { readonly kind: 'renewed' } | { readonly kind: 'unusable'; readonly problem: string };

interface Connections {
  /** Takes nothing more and ends with what is under way. */
  close(): Promise<unknown>;
  /** Ends at once. */
  destroy(): Promise<unknown>;
}

export interface TrustedConnectionsOptions<T extends Connections> {
  readonly make: (trust?: SecureContext) => T;
  /** PEM file of authorities that are trusted besides the default ones; absent: those alone. */
  readonly caFile?: string | undefined;
  /** Told once for each other content of the file. */
  readonly onAuthorities?: ((outcome: AuthoritiesOutcome) => void) | undefined;
}

/** The connections of one client: other ones from the moment on when its CA file has another content. */
export class TrustedConnections<T extends Connections> {
  readonly #options: TrustedConnectionsOptions<T>;
  readonly #source: T | FromFiles<T>;
  readonly #all = new Set<T>();
  #closed = false;

  /** Throws UnusableTlsFile, or for a file that cannot be read. */
  constructor(options: TrustedConnectionsOptions<T>) {
    this.#options = options;
    this.#source = options.caFile === undefined ? this.#make() : this.#trusting(options.caFile);
  }

  /** Without a CA file, and so mostly, at hand without waiting. Never rejects. */
  current(): T | Promise<T> {
    return this.#source instanceof FromFiles ? this.#source.current() : this.#source;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((it) => it.destroy()));
  }

  #trusting(caFile: string): FromFiles<T> {
    const tell = this.#options.onAuthorities ?? (() => undefined);
    return new FromFiles({
      names: [caFile],
      make: ([authorities = '']) => this.#make(tlsContext({ caFile: authorities }, 'TLSv1.2')),
      onRenewed: (_made, previous) => {
        this.#retire(previous);
        tell({ kind: 'renewed' });
      },
      onUnusable: (error) => tell({ kind: 'unusable', problem: error instanceof UnusableTlsFile ? error.problem : 'cannot be read' }),
    });
  }

  #make(trust?: SecureContext): T {
    const made = this.#options.make(trust);
    this.#all.add(made);
    if (this.#closed) void made.destroy(); // the file changed and somebody asked once more: nothing is sent after the end
    return made;
  }

  #retire(previous: T): void {
    const forget = (): boolean => this.#all.delete(previous);
    previous.close().then(forget, forget); // it fails when all was closed meanwhile
  }
}
