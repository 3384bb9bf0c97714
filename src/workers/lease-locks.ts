/**
 * Locks over all tabs where the browser has no Web Locks (pages without TLS): leases in the database, which whoever
 * holds one renews. A lease that has run out belongs to whoever wants it next.
 *
 * Invariant: who has lost a lease keeps nothing any more. Every batch is checked against the leases in its own
 * transaction (`areHeld`), so a thread that stood still while another tab took over cannot write into its disk.
 */
import { type DiskLocks, LocalLocks, type Release } from '../emu/storage/disk-locks.ts';

/** A thread that does not renew for so long has ended, or its computer slept. */
const LEASE_MS = 6000;
const RENEWAL_MS = 1500;
const RETRY_MS = 150;
/** A tab that was closed or reloaded leaves its leases behind until they run out. */
const PATIENCE_MS = LEASE_MS + RENEWAL_MS;
/** Leases that nobody wants any more are swept after so long. */
const FORGOTTEN_MS = 24 * 3600 * 1000;

const CATALOGUE = 'catalogue';
const DISK_PREFIX = 'disk/';

export interface Lease {
  readonly id: string;
  readonly name: string;
  readonly mode: 'write' | 'read';
  readonly untilMs: number;
}

export interface LeaseBoard {
  /** Reads all leases and puts `next` in their place, in one transaction. */
  change<T>(
    decide: (leases: readonly Lease[]) => { readonly next: readonly Lease[]; readonly result: T },
  ): Promise<T>;
}

export interface LeasePorts {
  readonly board: LeaseBoard;
  readonly newId: () => string;
  /** A clock that all tabs share. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Calls again and again; the result ends it. */
  readonly every: (ms: number, work: () => void) => () => void;
}

export class LeaseLocks implements DiskLocks {
  readonly #ports: LeasePorts;
  readonly #held = new Map<string, Lease>();
  /** Only one part of this thread asks the others for the catalogue. */
  readonly #turns = new LocalLocks();
  #stopRenewal: (() => void) | undefined;
  #lost: (name: string) => void = () => {};
  #lastChange: Promise<void> = Promise.resolve();

  constructor(ports: LeasePorts) {
    this.#ports = ports;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.exclusively(async () => {
      const release = await this.#hold(CATALOGUE, 'write', Number.POSITIVE_INFINITY);
      try {
        return await work();
      } finally {
        release?.();
      }
    });
  }

  tryHold(name: string, mode: 'write' | 'read'): Promise<Release | undefined> {
    return this.#hold(DISK_PREFIX + name, mode, PATIENCE_MS);
  }

  async written(): Promise<ReadonlySet<string>> {
    const leases = await this.#ports.board.change((all) => ({ next: all, result: all }));
    const names = leases
      .filter(
        (lease) => lease.mode === 'write' && lease.name.startsWith(DISK_PREFIX) && this.#isLiving(lease),
      )
      .map(({ name }) => name.slice(DISK_PREFIX.length));
    return new Set(names);
  }

  watchLoss(listener: (name: string) => void): void {
    this.#lost = listener;
  }

  /** The last change is the last to be made: transactions that write take turns. */
  settled(): Promise<void> {
    return this.#lastChange;
  }

  /** Whether everything that this thread may write is still its own. */
  areHeld(leases: readonly Lease[]): boolean {
    const ids = new Set(leases.map(({ id }) => id));
    return [...this.#held.values()].every(({ id, mode }) => mode === 'read' || ids.has(id));
  }

  /** A holder who renews is alive, and is waited for only without end. */
  async #hold(name: string, mode: 'write' | 'read', patienceMs: number): Promise<Release | undefined> {
    const { board, newId, nowMs, sleep } = this.#ports;
    const giveUpMs = nowMs() + patienceMs;
    const firstSeen = new Map<string, number>();
    for (;;) {
      const lease: Lease = { id: newId(), name, mode, untilMs: nowMs() + LEASE_MS };
      const holders = await board.change((leases) => {
        const others = leases.filter((other) => other.name !== name || this.#isLiving(other));
        const inTheWay = others.filter(
          (other) => other.name === name && (mode === 'write' || other.mode === 'write'),
        );
        return { next: inTheWay.length === 0 ? [...others, lease] : leases, result: inTheWay };
      });
      if (holders.length === 0) return this.#keep(lease);
      const areAlive = holders.some(({ id, untilMs }) => untilMs > (firstSeen.get(id) ?? untilMs));
      if (nowMs() >= giveUpMs || (areAlive && Number.isFinite(patienceMs))) return undefined;
      for (const { id, untilMs } of holders) if (!firstSeen.has(id)) firstSeen.set(id, untilMs);
      await sleep(RETRY_MS);
    }
  }

  #keep(lease: Lease): Release {
    this.#held.set(lease.id, lease);
    this.#stopRenewal ??= this.#ports.every(RENEWAL_MS, () => this.#renew());
    return () => {
      if (!this.#held.delete(lease.id)) return;
      if (this.#held.size === 0) {
        this.#stopRenewal?.();
        this.#stopRenewal = undefined;
      }
      this.#change((leases) => leases.filter(({ id }) => id !== lease.id));
    };
  }

  /** What others have taken stays lost: the disk may have changed since. */
  #renew(): void {
    const nowMs = this.#ports.nowMs();
    this.#change((leases) => {
      this.#tellLost(leases);
      return leases
        .filter(({ id, untilMs }) => this.#held.has(id) || nowMs - untilMs < FORGOTTEN_MS)
        .map((lease) => (this.#held.has(lease.id) ? { ...lease, untilMs: nowMs + LEASE_MS } : lease));
    });
  }

  /** Whoever takes what has run out takes its lease off the board. */
  #tellLost(leases: readonly Lease[]): void {
    const kept = new Set(leases.map(({ id }) => id));
    for (const { id, name, mode } of this.#held.values()) {
      if (mode === 'write' && !kept.has(id) && name.startsWith(DISK_PREFIX))
        this.#lost(name.slice(DISK_PREFIX.length));
    }
  }

  /** What fails is tried again with the next renewal, or runs out. */
  #change(next: (leases: readonly Lease[]) => readonly Lease[]): void {
    const change = this.#ports.board.change((leases) => ({ next: next(leases), result: undefined }));
    this.#lastChange = change.catch(() => {});
  }

  /** A lease that ends later than any can was made by a clock that has since been put back. */
  #isLiving({ untilMs }: Lease): boolean {
    const leftMs = untilMs - this.#ports.nowMs();
    return leftMs > 0 && leftMs <= LEASE_MS;
  }
}
