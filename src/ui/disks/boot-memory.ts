/**
 * How each disk boots, remembered in the browser beside the library: the guest whose kernel and initrd it
 * uses, and the command line. Losing it loses nothing but a question.
 */
import type { KeyValueStore } from '../shell/settings.ts';

export interface DiskBoot {
  /** Name in the catalogue. */
  readonly guest: string;
  readonly commandLine?: string;
}

const STORAGE_KEY = 'bramble.disk-boots';

export class BootMemory {
  readonly #store: KeyValueStore | undefined;
  #boots: ReadonlyMap<string, DiskBoot>;

  constructor(store: KeyValueStore | undefined) {
    this.#store = store;
    this.#boots = readBoots(store);
  }

  get(diskId: string): DiskBoot | undefined {
    return this.#boots.get(diskId);
  }

  set(diskId: string, boot: DiskBoot): void {
    this.#write(new Map(this.#boots).set(diskId, boot));
  }

  copy(fromId: string, toId: string): void {
    const boot = this.get(fromId);
    if (boot !== undefined) this.set(toId, boot);
  }

  forget(diskId: string): void {
    const rest = new Map(this.#boots);
    rest.delete(diskId);
    this.#write(rest);
  }

  #write(boots: ReadonlyMap<string, DiskBoot>): void {
    this.#boots = boots;
    try {
      this.#store?.setItem(STORAGE_KEY, JSON.stringify(Object.fromEntries(boots)));
    } catch {
      // Full or forbidden: remembered as long as the page.
    }
  }
}

/** What is valid of something read from storage, which older versions or people may have written. */
function readBoots(store: KeyValueStore | undefined): ReadonlyMap<string, DiskBoot> {
  try {
    const saved: unknown = JSON.parse(store?.getItem(STORAGE_KEY) ?? '{}');
    if (typeof saved !== 'object' || saved === null) return new Map();
    return new Map(
      Object.entries(saved)
        .map(([id, value]) => [id, validBoot(value)] as const)
        .filter((entry): entry is readonly [string, DiskBoot] => entry[1] !== undefined),
    );
  } catch {
    return new Map();
  }
}

function validBoot(value: unknown): DiskBoot | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { guest, commandLine } = value as Record<string, unknown>;
  if (typeof guest !== 'string') return undefined;
  return { guest, ...(typeof commandLine === 'string' ? { commandLine } : {}) };
}
