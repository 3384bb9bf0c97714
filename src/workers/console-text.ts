/**
 * The readable text in a console's byte stream: UTF-8 decoded, terminal escape sequences (ECMA-48 5.3,
 * 5.4, 8.3) and other control characters removed, lines ended by one newline. Works chunk by chunk: any
 * split of the stream gives the same text.
 */

type EscapeState = 'text' | 'escape' | 'control-sequence' | 'string' | 'string-escape';

const ESCAPE = 0x1b;
const BELL = 0x07;
const DELETE = 0x7f;
const NEWLINE = 0x0a;
const TAB = 0x09;
const FIRST_PRINTABLE = 0x20;
const FIRST_SEQUENCE_END = 0x40;
/** Intermediate characters of an escape sequence are 0x20 to 0x2f; it ends with the next one. */
const LAST_INTERMEDIATE = 0x2f;
const BACKSLASH = 0x5c;
/** ESC followed by one of these opens a string that BEL or ESC \ closes: OSC, DCS, APC, PM, SOS. */
const STRING_OPENERS = new Set([']', 'P', '_', '^', 'X'].map((opener) => opener.charCodeAt(0)));
const CONTROL_SEQUENCE_OPENER = '['.charCodeAt(0);

export class ConsoleText {
  readonly #decoder = new TextDecoder();
  #state: EscapeState = 'text';

  /** The text that `bytes` adds. */
  push(bytes: Uint8Array): string {
    const decoded = this.#decoder.decode(bytes, { stream: true });
    let text = '';
    let runStart = 0;
    for (let at = 0; at < decoded.length; at++) {
      const code = decoded.charCodeAt(at);
      const isText =
        this.#state === 'text' &&
        ((code >= FIRST_PRINTABLE && code !== DELETE) || code === NEWLINE || code === TAB);
      if (isText) continue;
      text += decoded.slice(runStart, at);
      runStart = at + 1;
      this.#state = nextState(this.#state, code);
    }
    return text + decoded.slice(runStart);
  }
}

function nextState(state: EscapeState, code: number): EscapeState {
  switch (state) {
    case 'text':
      return code === ESCAPE ? 'escape' : 'text';
    case 'escape':
      if (code === CONTROL_SEQUENCE_OPENER) return 'control-sequence';
      if (STRING_OPENERS.has(code)) return 'string';
      return code >= FIRST_PRINTABLE && code <= LAST_INTERMEDIATE ? 'escape' : 'text';
    case 'control-sequence':
      // A character that no sequence holds: it was cut off (systemd does that to long lines).
      return code >= FIRST_SEQUENCE_END ? 'text' : 'control-sequence';
    case 'string':
      if (code === BELL) return 'text';
      return code === ESCAPE ? 'string-escape' : 'string';
    case 'string-escape':
      return code === BACKSLASH ? 'text' : 'string';
    default:
      return state satisfies never;
  }
}
