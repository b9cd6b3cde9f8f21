import { printAddress, type RedisAddress } from './redis-settings.ts';
import { listIn } from './redis-value.ts';

/** Which master has which slot; by its address as text. */
export interface SlotOwners {
  readonly masters: ReadonlyMap<string, RedisAddress>;
  readonly bySlot: readonly (string | undefined)[];
}

/** Reads `CLUSTER SLOTS`: a list of [first, last, [host, port, …], …replicas]. `undefined` for anything else. */
export function readSlotOwners(value: unknown, asked: RedisAddress): SlotOwners | undefined {
  const entries = listIn(value);
  if (entries.length === 0) return undefined;
  const masters = new Map<string, RedisAddress>();
  const bySlot: (string | undefined)[] = [];
  for (const entry of entries) {
    const [first, last, master] = listIn(entry);
    const address = readMaster(master, asked);
    if (typeof first !== 'number' || typeof last !== 'number' || address === undefined) return undefined;
    const name = printAddress(address);
    masters.set(name, address);
    for (let slot = first; slot <= last; slot++) bySlot[slot] = name;
  }
  return { masters, bySlot };
}

/** A node that does not know its own name (`''`, nothing or `?`) is where we asked. */
function readMaster(master: unknown, asked: RedisAddress): RedisAddress | undefined {
  const [host, port] = listIn(master);
  if (typeof port !== 'number') return undefined;
  return { host: typeof host === 'string' && host !== '' && host !== '?' ? host : asked.host, port };
}

/** `MOVED 3999 host:port` or `ASK …`, as a node of the cluster says it. */
export interface Redirection {
  readonly kind: 'MOVED' | 'ASK';
  /** As text; IPv6 comes without its brackets, an empty host is the node that said it. */
  readonly owner: string;
}

export function readRedirection(text: string, asked: RedisAddress): Redirection | undefined {
  const [, kind, host, port] = /^(MOVED|ASK) \d+ (\S*):(\d+)$/.exec(text) ?? [];
  if (kind === undefined || host === undefined) return undefined;
  const address = { host: host === '' ? asked.host : host, port: Number(port) };
  return { kind: kind === 'MOVED' ? 'MOVED' : 'ASK', owner: printAddress(address) };
}
