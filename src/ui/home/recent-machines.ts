/**
 * The machines that were booted last, remembered as the queries that give them again. Those with files from
 * the user's computer are not: a page cannot open them a second time.
 */
import type { KeyValueStore } from '../shell/settings.ts';

export interface RecentMachine {
  readonly title: string;
  readonly query: string;
  readonly bootedMs: number;
}

const STORAGE_KEY = 'bramble.recent-machines';
const KEPT = 4;

export class RecentMachines {
  readonly #store: KeyValueStore | undefined;
  #list: readonly RecentMachine[];

  constructor(store: KeyValueStore | undefined) {
    this.#store = store;
    this.#list = readList(store);
  }

  /** Newest first. */
  get list(): readonly RecentMachine[] {
    return this.#list;
  }

  add(machine: RecentMachine): void {
    this.#list = [machine, ...this.#list.filter(({ query }) => query !== machine.query)].slice(0, KEPT);
    try {
      this.#store?.setItem(STORAGE_KEY, JSON.stringify(this.#list));
    } catch {
      // Full or forbidden: remembered as long as the page.
    }
  }
}

/** What is valid of something read from storage, which older versions or people may have written. */
function readList(store: KeyValueStore | undefined): readonly RecentMachine[] {
  try {
    const saved: unknown = JSON.parse(store?.getItem(STORAGE_KEY) ?? '[]');
    return Array.isArray(saved) ? saved.filter(isRecentMachine).slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

function isRecentMachine(value: unknown): value is RecentMachine {
  if (typeof value !== 'object' || value === null) return false;
  const { title, query, bootedMs } = value as Record<string, unknown>;
  return typeof title === 'string' && typeof query === 'string' && typeof bootedMs === 'number';
}
