import { createHash } from 'node:crypto';

/** One atomic step, as the rooms that have them describe it. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
}

/** A script by the digest of its text, and with its text for a server that does not have it (a new one, or one that lost its scripts). */
export interface ScriptCommands {
  readonly byDigest: readonly string[];
  readonly byText: readonly string[];
}

/** Writes the two commands of a script. The digest of each script is taken once. */
export class ScriptCommander {
  readonly #digests = new WeakMap<RedisScript, string>();

  commandsOf(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): ScriptCommands {
    const rest = [String(keys.length), ...keys, ...args.map(String)];
    return { byDigest: ['EVALSHA', this.#digestOf(script), ...rest], byText: ['EVAL', script.lua, ...rest] };
  }

  #digestOf(script: RedisScript): string {
    const known = this.#digests.get(script);
    if (known !== undefined) return known;
    // SHA-1 is what EVALSHA names a script by; nothing rests on its strength.
    const digest = createHash('sha1').update(script.lua).digest('hex');
    this.#digests.set(script, digest);
    return digest;
  }
}
