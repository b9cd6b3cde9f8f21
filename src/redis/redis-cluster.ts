import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import type { Timer } from '../kernel/timer.ts';
import { keySlot } from './key-slot.ts';
import type { RedisReply } from './redis-connection.ts';
import type { RedisInquiry } from './redis-inquiry.ts';
import type { RedisNode, RedisState } from './redis-node.ts';
import type { RedisAddress } from './redis-settings.ts';
import { readRedirection, readSlotOwners, type Redirection, type SlotOwners } from './slot-owners.ts';
import { WakeablePause } from './wakeable-pause.ts';

export interface RedisClusterOptions {
  readonly seeds: RedisInquiry;
  readonly createNode: (address: RedisAddress, onState: () => void) => RedisNode;
  readonly onState: () => void;
  readonly timer: Timer;
  /** Milliseconds between two looks at who has which slot, while every master serves. */
  readonly checkEvery: number;
}

interface Member {
  readonly address: RedisAddress;
  readonly node: RedisNode;
}

const SLOTS_ARE = ['CLUSTER', 'SLOTS'] as const;
/** Milliseconds between two looks while some master does not serve: a failover is seen soon. */
const LOOK_AGAIN = 500;
const ALL_SLOTS = 16_384;

/** The masters of a cluster, a connection to each, and who has which slot. A master that is down concerns its own keys only. */
export class RedisCluster {
  readonly #options: RedisClusterOptions;
  readonly #pause: WakeablePause;
  #members: ReadonlyMap<string, Member> = new Map();
  #bySlot: readonly (string | undefined)[] = [];
  #state: RedisState = { kind: 'unknown' };
  /** Why nobody says who has which slot. */
  #unseen: string | undefined;
  #isClosed = false;

  constructor(options: RedisClusterOptions) {
    this.#options = options;
    this.#pause = new WakeablePause(options.timer);
  }

  /** `up`: all keys are served. */
  get state(): RedisState {
    return this.#state;
  }

  async start(): Promise<void> {
    await this.#look();
    void this.#keepLooking();
  }

  close(): void {
    this.#isClosed = true;
    for (const { node } of this.#members.values()) node.close();
    this.#pause.wake();
  }

  async send(command: readonly string[], key = ''): Promise<RedisReply> {
    const member = this.#members.get(this.#bySlot[keySlot(key)] ?? '');
    if (member === undefined) throw new StoreUnavailableError(this.#state.kind === 'down' ? this.#state.reason : 'down', false);
    const reply = await member.node.send(command);
    const redirection = reply.kind === 'fault' ? readRedirection(reply.redirection ?? '', member.address) : undefined;
    return redirection === undefined ? reply : this.#follow(redirection, command, reply);
  }

  /** Once: a second redirection means that the cluster is still moving, and is the answer. */
  async #follow({ kind, owner }: Redirection, command: readonly string[], reply: RedisReply): Promise<RedisReply> {
    const member = this.#members.get(owner);
    // Who has which slot is looked up anew.
    if (kind === 'MOVED') this.#pause.wake();
    if (member === undefined) return reply;
    if (kind === 'MOVED') return member.node.send(command);
    // Both are written in one go, so that nothing comes between them.
    const [, answer] = await Promise.all([member.node.send(['ASKING']), member.node.send(command)]);
    return answer;
  }

  async #keepLooking(): Promise<void> {
    while (!this.#isClosed) {
      await this.#pause.wait(this.#state.kind === 'up' ? this.#options.checkEvery : LOOK_AGAIN);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const owners = await this.#owners();
      this.#unseen = undefined;
      await this.#adopt(owners);
    } catch (error) {
      this.#unseen = error instanceof StoreUnavailableError ? error.reason : 'down';
    }
    this.#judge();
  }

  /** From a master that serves; from the nodes of the configuration when there is none. */
  async #owners(): Promise<SlotOwners> {
    for (const { address, node } of this.#members.values()) {
      const reply = node.state.kind === 'up' ? await node.send(SLOTS_ARE).catch(() => undefined) : undefined;
      const owners = reply?.kind === 'value' ? readSlotOwners(reply.value, address) : undefined;
      if (owners !== undefined) return owners;
    }
    return this.#options.seeds.ask(SLOTS_ARE, readSlotOwners);
  }

  /** Connects to new masters and leaves those that are none any more. */
  async #adopt({ masters, bySlot }: SlotOwners): Promise<void> {
    if (this.#isClosed) return;
    const before = this.#members;
    const joining = [...masters].filter(([name]) => !before.has(name)).map(([name, address]) => [name, this.#join(address)] as const);
    const staying = [...before].filter(([name]) => masters.has(name));
    this.#members = new Map([...staying, ...joining]);
    this.#bySlot = bySlot;
    for (const [name, { node }] of before) if (!masters.has(name)) node.close();
    await Promise.all(joining.map(([, { node }]) => node.start()));
  }

  #join(address: RedisAddress): Member {
    const onState = (): void => {
      this.#judge();
      if (this.#state.kind === 'down') this.#pause.wake();
    };
    return { address, node: this.#options.createNode(address, onState) };
  }

  #judge(): void {
    const states = [...this.#members.values()].map(({ node }) => node.state);
    const down = states.find((it) => it.kind === 'down');
    const isWhole = this.#bySlot.length === ALL_SLOTS && !this.#bySlot.includes(undefined);
    if (down !== undefined) this.#become(down);
    else if (states.length === 0) this.#become({ kind: 'down', reason: this.#unseen ?? 'down' });
    else if (!isWhole) this.#become({ kind: 'down', reason: 'clusterdown' });
    else if (states.every((it) => it.kind === 'up')) this.#become({ kind: 'up' });
  }

  #become(state: RedisState): void {
    this.#state = state;
    this.#options.onState();
  }
}
