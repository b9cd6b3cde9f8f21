import type { HeadDecision } from './forwarder.ts';
import type { ResponseHead } from './response-head.ts';

/** What to do instead of passing the upstream's 401 on; `undefined`: pass it on. */
export type Remedy = (() => void) | undefined;

/** The one more try that a request has after an upstream's 401: it is decided while the 401 waits, and only then is that thrown away. */
export class SecondTry {
  readonly #ask: () => Promise<Remedy>;
  #remedy: Remedy;
  #isSpent = false;

  constructor(ask: () => Promise<Remedy>) {
    this.#ask = ask;
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Never rejects. After `discard` it goes on with `begin`. */
  async decide(passOn: () => ResponseHead): Promise<HeadDecision> {
    this.#isSpent = true;
    try {
      this.#remedy = await this.#ask();
      return this.#remedy === undefined ? passOn() : { kind: 'discard' };
    } catch (error) {
      this.#remedy = () => {
        throw error;
      };
      return { kind: 'discard' };
    }
  }

  /** Throws what asking for a remedy came to. */
  begin(): void {
    this.#remedy?.();
  }
}
