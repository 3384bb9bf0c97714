/**
 * Keys as the bytes a terminal sends: control characters (ECMA-48 5.2), Alt as a leading ESC, and the
 * cursor keys of xterm in their normal mode. For the menu of keys and the bar below a phone's terminal.
 */

export interface NamedKey {
  readonly label: string;
  /** What a screen reader says. */
  readonly name: string;
  readonly bytes: string;
}

export interface MenuKey extends NamedKey {
  readonly purpose: string;
}

export interface StickyModifiers {
  readonly ctrl: boolean;
  readonly alt: boolean;
}

const ESC = '\x1b';
/** Ctrl keeps the low five bits of a character's code. */
const CONTROL_MASK = 0x1f;
const DELETE = '\x7f';

export const MENU_KEYS: readonly MenuKey[] = [
  { label: 'Ctrl+C', name: 'Control C', bytes: '\x03', purpose: 'interrupt the program' },
  { label: 'Ctrl+D', name: 'Control D', bytes: '\x04', purpose: 'end of input' },
  { label: 'Ctrl+Z', name: 'Control Z', bytes: '\x1a', purpose: 'suspend the program' },
  { label: 'Ctrl+\\', name: 'Control backslash', bytes: '\x1c', purpose: 'quit the program' },
  { label: 'Esc', name: 'Escape', bytes: ESC, purpose: 'escape' },
  { label: 'Tab', name: 'Tab', bytes: '\t', purpose: 'complete' },
];

export const BAR_KEYS: readonly NamedKey[] = [
  { label: 'Esc', name: 'Escape', bytes: ESC },
  { label: 'Tab', name: 'Tab', bytes: '\t' },
  { label: '←', name: 'Left arrow', bytes: `${ESC}[D` },
  { label: '↑', name: 'Up arrow', bytes: `${ESC}[A` },
  { label: '↓', name: 'Down arrow', bytes: `${ESC}[B` },
  { label: '→', name: 'Right arrow', bytes: `${ESC}[C` },
];

/** The bytes of one typed character under sticky modifiers. */
export function withModifiers(character: string, modifiers: StickyModifiers): string {
  const bytes = modifiers.ctrl ? controlCharacter(character) : character;
  return modifiers.alt ? ESC + bytes : bytes;
}

function controlCharacter(character: string): string {
  if (character === '?') return DELETE;
  const upper = character.toUpperCase();
  // Only @, A to Z and [ \ ] ^ _ have a control character.
  return /^[@-_]$/.test(upper) ? String.fromCharCode(upper.charCodeAt(0) & CONTROL_MASK) : character;
}
