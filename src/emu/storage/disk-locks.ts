/** Who may use what, over all threads and tabs of a site; and the same for one thread. */

/** Ends what was allowed. */
export type Release = () => void;

export interface DiskLocks {
  /** Runs `work` while nobody else's runs. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** One writer, or any number of readers; undefined at once when somebody else is in the way. */
  tryHold(name: string, mode: 'write' | 'read'): Promise<Release | undefined>;
  /** Names that somebody holds for writing. */
  written(): Promise<ReadonlySet<string>>;
  /** Calls with the name of what was held for writing and is somebody else's now; absent where that cannot be. */
  watchLoss?(listener: (name: string) => void): void;
  /** Resolves when everything that was released is free for others, for a thread that is about to end. */
  settled(): Promise<void>;
}

export class LocalLocks implements DiskLocks {
  private readonly holders = new Map<string, { readonly mode: 'write' | 'read'; count: number }>();
  private last: Promise<unknown> = Promise.resolve();

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => {});
    return result;
  }

  async tryHold(name: string, mode: 'write' | 'read'): Promise<Release | undefined> {
    const holder = this.holders.get(name) ?? { mode, count: 0 };
    if (holder.count > 0 && (mode === 'write' || holder.mode === 'write')) return undefined;
    holder.count++;
    this.holders.set(name, holder);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--holder.count === 0) this.holders.delete(name);
    };
  }

  async written(): Promise<ReadonlySet<string>> {
    return new Set([...this.holders].filter(([, { mode }]) => mode === 'write').map(([name]) => name));
  }

  async settled(): Promise<void> {}
}
