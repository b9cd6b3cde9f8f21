/** One atomic step on the store that all replicas share (a Lua script of Redis). `name` is for logs and counts. */
export interface SharedScript {
  readonly name: string;
  readonly lua: string;
}

/** What a script returns, as Redis carries it: integers, strings, nothing, lists. */
export type ScriptValue = number | string | null | readonly ScriptValue[];

/** The shared store, as far as sessions need it. All keys of one call have one hash tag, so that a cluster finds them on one node, unless there is no cluster. */
export interface SharedScripts {
  /** Put in front of every key. */
  readonly keyPrefix: string;
  /** Whether all keys lie on one node, so that one call may have several of them. */
  readonly isOneNode: boolean;
  /** Rejects with StoreUnavailableError (kernel) when there is no answer in time, and at once while the store is known to be down. */
  run(script: SharedScript, keys: readonly string[], args: readonly (string | number)[]): Promise<ScriptValue>;
}
