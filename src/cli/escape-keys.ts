/** The keys that a terminal keeps for itself: Ctrl-A and one more, as terminal programs have it. */

export type EscapeAction = 'leave' | 'power-key' | 'help';

const PREFIX = 0x01;
const ACTIONS: ReadonlyMap<string, EscapeAction> = new Map([
  ['x', 'leave'],
  ['p', 'power-key'],
  ['h', 'help'],
  ['?', 'help'],
]);

export const ESCAPE_HELP = [
  'Ctrl-A x       end the machine',
  'Ctrl-A p       press the power key',
  'Ctrl-A h       this list',
  'Ctrl-A Ctrl-A  type Ctrl-A',
];

/** Separates what is typed into the guest from the terminal's own keys, whatever the chunks. */
export class EscapeKeys {
  readonly #act: (action: EscapeAction) => void;
  #pending = false;

  constructor(act: (action: EscapeAction) => void) {
    this.#act = act;
  }

  /** The bytes that are for the guest. */
  filter(bytes: Uint8Array): Uint8Array {
    const forGuest: number[] = [];
    for (const byte of bytes) {
      if (!this.#pending) {
        if (byte === PREFIX) this.#pending = true;
        else forGuest.push(byte);
        continue;
      }
      this.#pending = false;
      const action = ACTIONS.get(String.fromCharCode(byte));
      if (byte === PREFIX) forGuest.push(PREFIX);
      else if (action) this.#act(action);
    }
    return Uint8Array.from(forGuest);
  }
}
