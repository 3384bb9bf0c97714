/**
 * What the page remembers between visits. Storage may be absent, full or forbidden (private windows,
 * sandboxed frames): every access is guarded, and the page then simply forgets.
 */

export type ThemeChoice = 'system' | 'light' | 'dark' | 'contrast';

export interface Settings {
  readonly theme: ThemeChoice;
  readonly fontSizePx: number;
  /** Whether the terminal mirrors its text for screen readers. */
  readonly screenReader: boolean;
}

/** `phone` gives 50 columns on a narrow screen. */
export const FONT_SIZE_PX = { smallest: 9, phone: 11, normal: 14, largest: 28 } as const;

const STORAGE_KEY = 'bramble.settings';
const THEME_CHOICES: readonly ThemeChoice[] = ['system', 'light', 'dark', 'contrast'];
export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  fontSizePx: FONT_SIZE_PX.normal,
  screenReader: false,
};

/** The part of `Storage` that settings need. */
export type KeyValueStore = Pick<Storage, 'getItem' | 'setItem'>;

export class SettingsStore {
  readonly #store: KeyValueStore | undefined;
  readonly #listeners = new Set<(settings: Settings) => void>();
  #current: Settings;

  constructor(store: KeyValueStore | undefined, defaults: Settings = DEFAULT_SETTINGS) {
    this.#store = store;
    this.#current = readSettings(store, defaults);
  }

  get current(): Settings {
    return this.#current;
  }

  change(part: Partial<Settings>): void {
    this.#current = { ...this.#current, ...part };
    try {
      this.#store?.setItem(STORAGE_KEY, JSON.stringify(this.#current));
    } catch {
      // Full or forbidden: the choice lasts as long as the page.
    }
    for (const listener of this.#listeners) listener(this.#current);
  }

  /** Calls `listener` after every change; returns what ends that. */
  subscribe(listener: (settings: Settings) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The browser's storage, or undefined where even asking for it throws. */
export function browserStorage(): KeyValueStore | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

export function clampFontSize(sizePx: number): number {
  return Math.min(FONT_SIZE_PX.largest, Math.max(FONT_SIZE_PX.smallest, Math.round(sizePx)));
}

function readSettings(store: KeyValueStore | undefined, defaults: Settings): Settings {
  try {
    return validSettings(JSON.parse(store?.getItem(STORAGE_KEY) ?? '{}'), defaults);
  } catch {
    return defaults;
  }
}

/** Takes what is valid of something read from storage, which older versions or people may have written. */
function validSettings(saved: unknown, defaults: Settings): Settings {
  if (typeof saved !== 'object' || saved === null) return defaults;
  const { theme, fontSizePx, screenReader } = saved as Record<string, unknown>;
  return {
    theme: THEME_CHOICES.find((choice) => choice === theme) ?? defaults.theme,
    fontSizePx: typeof fontSizePx === 'number' ? clampFontSize(fontSizePx) : defaults.fontSizePx,
    screenReader: typeof screenReader === 'boolean' ? screenReader : defaults.screenReader,
  };
}
