import { inspect } from 'node:util';

const MASK = '[secret]';

/** A value that must never reach a log, a dump or an error page by accident: every way of printing it gives "[secret]". */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where it is spent (a request to the provider, a key derivation). */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
