import { describe, expect, it } from 'vitest';
import { type Lease, type LeaseBoard, LeaseLocks } from './lease-locks.ts';

/** Two threads, or more, over one board and one clock that the test moves. */
class Tabs {
  leases: readonly Lease[] = [];
  nowMs = 1_000_000;
  #ids = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  #renewals = new Set<{ readonly ms: number; nextMs: number; readonly work: () => void }>();
  readonly board: LeaseBoard = {
    change: async (decide) => {
      await new Promise((resolve) => setImmediate(resolve));
      const { next, result } = decide(this.leases);
      this.leases = next;
      return result;
    },
  };

  /** With `isAsleep`, its timers do not run. */
  open(isAsleep: () => boolean = () => false): LeaseLocks {
    return new LeaseLocks({
      board: this.board,
      newId: () => String(this.#ids++),
      nowMs: () => this.nowMs,
      sleep: (ms) => new Promise((wake) => this.#sleepers.push({ atMs: this.nowMs + ms, wake })),
      every: (ms, work) => {
        const renewal = { ms, nextMs: this.nowMs + ms, work: () => void (isAsleep() || work()) };
        this.#renewals.add(renewal);
        return () => this.#renewals.delete(renewal);
      },
    });
  }

  get renewals(): number {
    return this.#renewals.size;
  }

  async pass(ms: number): Promise<void> {
    const stepMs = 50;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += stepMs;
      for (const renewal of this.#renewals) {
        if (renewal.nextMs > this.nowMs) continue;
        renewal.nextMs += renewal.ms;
        renewal.work();
      }
      const due = this.#sleepers.filter(({ atMs }) => atMs <= this.nowMs);
      this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.nowMs);
      for (const { wake } of due) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const LONG_MS = 60_000;

describe('LeaseLocks', () => {
  it('gives a disk to one writer, and tells the second one', async () => {
    const tabs = new Tabs();
    const [first, second] = [tabs.open(), tabs.open()];
    const release = await first.tryHold('d', 'write');
    expect(await second.written()).toEqual(new Set(['d']));
    const refused = second.tryHold('d', 'write');
    // The first renewal shows that the holder lives; nobody waits for the lease to run out.
    await tabs.pass(2000);
    expect(await refused).toBeUndefined();
    expect(first.areHeld(tabs.leases)).toBe(true);
    release?.();
    expect(await second.tryHold('d', 'write')).toBeDefined();
    expect(await first.written()).toEqual(new Set(['d']));
  });

  it('has let go when it says so, for a thread that ends then', async () => {
    const tabs = new Tabs();
    const thread = tabs.open();
    const release = await thread.tryHold('d', 'write');
    release?.();
    await thread.settled();
    expect(tabs.leases).toEqual([]);
  });

  it('lets many read, and none write meanwhile', async () => {
    const tabs = new Tabs();
    const [first, second] = [tabs.open(), tabs.open()];
    const releases = [await first.tryHold('d', 'read'), await second.tryHold('d', 'read')];
    const refused = first.tryHold('d', 'write');
    await tabs.pass(LONG_MS);
    expect(await refused).toBeUndefined();
    expect(await first.written()).toEqual(new Set());
    for (const release of releases) release?.();
    expect(await first.tryHold('d', 'write')).toBeDefined();
  });

  it('gives a disk on when its tab has ended without a word', async () => {
    const tabs = new Tabs();
    let isGone = false;
    const [gone, next] = [tabs.open(() => isGone), tabs.open()];
    await gone.tryHold('d', 'write');
    isGone = true;
    const taken = next.tryHold('d', 'write');
    await tabs.pass(LONG_MS);
    expect(await taken).toBeDefined();
  });

  it('does not let a thread write that stood still while another took its disk', async () => {
    const tabs = new Tabs();
    let isAsleep = true;
    const [sleeper, other] = [tabs.open(() => isAsleep), tabs.open()];
    const release = await sleeper.tryHold('d', 'write');
    await tabs.pass(LONG_MS);
    // Nobody wanted it: it is still its own.
    expect(sleeper.areHeld(tabs.leases)).toBe(true);
    await other.tryHold('d', 'write');
    isAsleep = false;
    await tabs.pass(LONG_MS);
    expect(sleeper.areHeld(tabs.leases)).toBe(false);
    expect(other.areHeld(tabs.leases)).toBe(true);
    release?.();
    expect(sleeper.areHeld(tabs.leases)).toBe(true);
    expect(other.areHeld(tabs.leases)).toBe(true);
  });

  it('changes the catalogue in one tab after the other', async () => {
    const tabs = new Tabs();
    const [first, second] = [tabs.open(), tabs.open()];
    const order: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    };
    const all = Promise.all([
      first.exclusively(work('a')),
      second.exclusively(work('b')),
      first.exclusively(work('c')),
    ]);
    await tabs.pass(2000);
    await all;
    for (let at = 0; at < order.length; at += 2)
      expect(order[at + 1]).toBe(order[at]?.replace('begins', 'ends'));
    expect(tabs.leases).toEqual([]);
    expect(tabs.renewals).toBe(0);
  });

  it('takes a lease from a clock that was put back since', async () => {
    const tabs = new Tabs();
    const [gone, next] = [tabs.open(() => true), tabs.open()];
    await gone.tryHold('d', 'write');
    tabs.nowMs -= LONG_MS;
    expect(await next.tryHold('d', 'write')).toBeDefined();
  });

  it('tells who held a disk when another one has taken it, once it is awake', async () => {
    const tabs = new Tabs();
    let isAsleep = false;
    const first = tabs.open(() => isAsleep);
    const lost: string[] = [];
    first.watchLoss((name) => lost.push(name));
    for (const name of ['mine', 'other']) expect(await first.tryHold(name, 'write')).toBeDefined();
    await tabs.pass(LONG_MS);
    isAsleep = true;
    await tabs.pass(LONG_MS);
    expect(await tabs.open().tryHold('mine', 'write')).toBeDefined();
    expect(lost).toEqual([]);
    isAsleep = false;
    await tabs.pass(2000);
    expect(lost[0]).toBe('mine');
    expect(lost).not.toContain('other');
  });

  it('keeps what nobody has taken after more than a day of sleep', async () => {
    const tabs = new Tabs();
    const locks = tabs.open();
    const lost: string[] = [];
    locks.watchLoss((name) => lost.push(name));
    await locks.tryHold('mine', 'write');
    tabs.nowMs += 100_000_000;
    await tabs.pass(5000);
    expect(lost).toEqual([]);
    expect(locks.areHeld(tabs.leases)).toBe(true);
  });
});
