/** The menu of colour schemes, the same on every view. */
import { html, type TemplateResult } from 'lit';
import type { IconName } from '../shell/icons.ts';
import type { SettingsStore, ThemeChoice } from '../shell/settings.ts';
import '../shell/menu.ts';

interface ThemeRow {
  readonly choice: ThemeChoice;
  readonly label: string;
  readonly icon: IconName;
}

const THEMES: readonly ThemeRow[] = [
  { choice: 'system', label: 'Same as the system', icon: 'system' },
  { choice: 'light', label: 'Light', icon: 'sun' },
  { choice: 'dark', label: 'Dark', icon: 'moon' },
  { choice: 'contrast', label: 'High contrast', icon: 'contrast' },
];

export function themeMenu(settings: SettingsStore): TemplateResult {
  const current = THEMES.find(({ choice }) => choice === settings.current.theme) ?? THEMES[0]!;
  const items = THEMES.map(({ choice, label, icon }) => ({
    label,
    icon,
    checked: choice === current.choice,
    action: () => settings.change({ theme: choice }),
  }));
  return html`<bramble-menu label="Colours" .icon=${current.icon} .items=${items}></bramble-menu>`;
}
