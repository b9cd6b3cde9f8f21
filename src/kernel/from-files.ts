import { readFileSync, statSync, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

export interface FromFilesOptions<T> {
  readonly names: readonly string[];
  /** From their contents, in the same order. Throws for contents that are of no use. */
  readonly make: (contents: readonly string[]) => T;
  /** Told once for each state of the files that something new was made of. */
  readonly onRenewed: (made: T, previous: T) => void;
  /** Told once for each state of the files that is of no use: what `make` threw, or UnreadableFile. The last good one stays. */
  readonly onUnusable: (error: unknown) => void;
}

/** That it cannot be read is all that helps; the system's words would name the path. */
export class UnreadableFile extends Error {
  /** Which of the names. */
  readonly index: number;

  constructor(index: number) {
    super('cannot be read');
    this.index = index;
  }
}

/** Something made of text files, made anew when they have changed since it was asked for last. */
export class FromFiles<T> {
  readonly #options: FromFilesOptions<T>;
  #made: T;
  /** Of the files that are in use. */
  #stamp: string;
  /** Of the files that were complained of last. */
  #unusable: string | undefined;
  #looking: Promise<T> | undefined;

  /** Throws when the files cannot be read or used. */
  constructor(options: FromFilesOptions<T>) {
    this.#options = options;
    this.#stamp = options.names.map((name) => stampOf(statSync(name))).join();
    this.#made = options.make(options.names.map((name) => readFileSync(name, 'utf8')));
  }

  /** Never rejects. Those who ask at the same moment look once. */
  current(): Promise<T> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #look(): Promise<T> {
    const stamps = await Promise.all(this.#options.names.map((name) => stat(name).then(stampOf, () => 'gone')));
    const stamp = stamps.join();
    if (stamp !== this.#stamp) await this.#renew(stamp);
    return this.#made;
  }

  async #renew(stamp: string): Promise<void> {
    const { names, make, onRenewed, onUnusable } = this.#options;
    try {
      const made = make(await Promise.all(names.map(textOf)));
      const previous = this.#made;
      this.#made = made;
      this.#stamp = stamp;
      onRenewed(made, previous);
    } catch (error) {
      // Tried again for everybody who asks, as what was in the way may go; complained of once.
      if (this.#unusable === stamp) return;
      this.#unusable = stamp;
      onUnusable(error);
    }
  }
}

/** Another one for every other file under the name, also behind a symbolic link. */
const stampOf = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => [ino, size, mtimeMs, ctimeMs].join(':');

async function textOf(name: string, index: number): Promise<string> {
  try {
    return await readFile(name, 'utf8');
  } catch {
    // Its reason would be the system's words.
    throw new UnreadableFile(index);
  }
}
