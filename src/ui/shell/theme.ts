/**
 * The colour scheme of the page: the remembered choice, or the system's. CSS reads it from the attribute
 * `data-scheme` of the root element; scripts that need colours (the terminal) ask here.
 */
import type { SettingsStore, ThemeChoice } from './settings.ts';

export type Scheme = 'light' | 'dark' | 'contrast';

const DARK_QUERY = '(prefers-color-scheme: dark)';
const CONTRAST_QUERY = '(prefers-contrast: more)';

export interface SystemPreference {
  readonly dark: boolean;
  readonly moreContrast: boolean;
}

/** What a choice amounts to under the system's preference. */
export function resolveScheme(choice: ThemeChoice, system: SystemPreference): Scheme {
  if (choice !== 'system') return choice;
  if (system.moreContrast) return 'contrast';
  return system.dark ? 'dark' : 'light';
}

export class Theme {
  readonly #settings: SettingsStore;
  readonly #listeners = new Set<(scheme: Scheme) => void>();
  #scheme: Scheme;

  constructor(settings: SettingsStore) {
    this.#settings = settings;
    this.#scheme = this.#apply();
    settings.subscribe(() => this.#update());
    for (const query of [DARK_QUERY, CONTRAST_QUERY]) {
      matchMedia(query).addEventListener('change', () => this.#update());
    }
  }

  get scheme(): Scheme {
    return this.#scheme;
  }

  subscribe(listener: (scheme: Scheme) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #update(): void {
    const before = this.#scheme;
    this.#scheme = this.#apply();
    if (this.#scheme === before) return;
    for (const listener of this.#listeners) listener(this.#scheme);
  }

  #apply(): Scheme {
    const scheme = resolveScheme(this.#settings.current.theme, {
      dark: matchMedia(DARK_QUERY).matches,
      moreContrast: matchMedia(CONTRAST_QUERY).matches,
    });
    document.documentElement.dataset.scheme = scheme;
    return scheme;
  }
}
