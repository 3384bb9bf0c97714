/** The terminal's colours per scheme; the sixteen ANSI colours in the order of ECMA-48's SGR 30 to 37. */
import type { ISearchDecorationOptions } from '@xterm/addon-search';
import type { ITheme } from '@xterm/xterm';
import type { Scheme } from '../shell/theme.ts';

const ANSI_NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const BRIGHT_NAMES = [
  'brightBlack',
  'brightRed',
  'brightGreen',
  'brightYellow',
  'brightBlue',
  'brightMagenta',
  'brightCyan',
  'brightWhite',
] as const;

interface PaletteRow {
  readonly background: string;
  readonly foreground: string;
  readonly cursor: string;
  readonly selection: string;
  readonly match: string;
  readonly activeMatch: string;
  readonly ansi: readonly string[];
  readonly bright: readonly string[];
}

const PALETTES: Readonly<Record<Scheme, PaletteRow>> = {
  light: {
    background: '#fffcfd',
    foreground: '#2a1e26',
    cursor: '#b51d56',
    selection: '#f3c9d9',
    match: '#fbe3a5',
    activeMatch: '#f4b740',
    ansi: ['#2a1e26', '#b3261e', '#2f7040', '#8a5200', '#1f5fbf', '#a81a50', '#0f6e78', '#6b5a64'],
    bright: ['#6b5a64', '#c4372e', '#3a8a4f', '#9c6410', '#2f74d8', '#c4377a', '#1a838e', '#2a1e26'],
  },
  dark: {
    background: '#110c12',
    foreground: '#eee5ea',
    cursor: '#ff8db4',
    selection: '#5a2740',
    match: '#5c4713',
    activeMatch: '#a47412',
    ansi: ['#2a2029', '#ff8279', '#86cf94', '#f0bf6a', '#8db8ff', '#ff8db4', '#7fd4dc', '#d9cdd5'],
    bright: ['#9a8896', '#ffa69f', '#a6e3b2', '#ffd78f', '#b0ceff', '#ffb0cb', '#a5e7ed', '#fffafc'],
  },
  contrast: {
    background: '#000000',
    foreground: '#ffffff',
    cursor: '#ffe600',
    selection: '#7a5b00',
    match: '#5c4a00',
    activeMatch: '#946f00',
    ansi: ['#000000', '#ff8f85', '#8bf09d', '#ffe07a', '#a6c8ff', '#ffa6c8', '#8ff0f7', '#ffffff'],
    bright: ['#c8c8c8', '#ffb4ac', '#b4ffc0', '#ffedb0', '#c8dcff', '#ffc6db', '#bdfaff', '#ffffff'],
  },
};

export function terminalTheme(scheme: Scheme): ITheme {
  const row = PALETTES[scheme];
  const named = (names: readonly string[], colours: readonly string[]): ITheme =>
    Object.fromEntries(names.map((name, index) => [name, colours[index]]));
  return {
    background: row.background,
    foreground: row.foreground,
    cursor: row.cursor,
    cursorAccent: row.background,
    selectionBackground: row.selection,
    ...named(ANSI_NAMES, row.ansi),
    ...named(BRIGHT_NAMES, row.bright),
  };
}

export function searchColours(scheme: Scheme): ISearchDecorationOptions {
  const row = PALETTES[scheme];
  return {
    matchBackground: row.match,
    matchOverviewRuler: row.activeMatch,
    activeMatchBackground: row.activeMatch,
    activeMatchColorOverviewRuler: row.cursor,
  };
}
