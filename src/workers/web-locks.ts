/** Locks over all tabs of a site (Web Locks); a thread that ends lets go of its own. */
import type { DiskLocks, Release } from '../emu/storage/disk-locks.ts';

const CATALOGUE = 'bramble-disks';
const DISK_PREFIX = 'bramble-disk/';
/** A page that was just reloaded leaves its locks a moment later. */
const PATIENCE_MS = 1500;

export class WebLocks implements DiskLocks {
  readonly #locks: LockManager;

  constructor(locks: LockManager) {
    this.#locks = locks;
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return (await this.#locks.request(CATALOGUE, work)) as T;
  }

  tryHold(name: string, mode: 'write' | 'read'): Promise<Release | undefined> {
    const options: LockOptions = {
      mode: mode === 'write' ? 'exclusive' : 'shared',
      signal: AbortSignal.timeout(PATIENCE_MS),
    };
    return new Promise((resolve, reject) => {
      const hold = (): Promise<void> => new Promise((release) => resolve(release));
      this.#locks.request(DISK_PREFIX + name, options, hold).catch((failure: unknown) => {
        const isImpatience = failure instanceof DOMException && failure.name === 'TimeoutError';
        if (isImpatience) resolve(undefined);
        else reject(failure);
      });
    });
  }

  async written(): Promise<ReadonlySet<string>> {
    const { held = [] } = await this.#locks.query();
    const names = held
      .filter(({ name, mode }) => mode === 'exclusive' && name?.startsWith(DISK_PREFIX))
      .map(({ name }) => name?.slice(DISK_PREFIX.length) ?? '');
    return new Set(names);
  }

  /** They end with their thread. */
  async settled(): Promise<void> {}
}
