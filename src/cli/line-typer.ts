/**
 * Types the lines of a piped standard input, one each time the guest asks with its prompt.
 *
 * Invariant: after a line was typed, the next waits until the guest has printed a whole line (the echo's
 * end) and then a prompt again; one prompt never takes two lines.
 */

/** A prompt is looked for in so much of the unfinished last line. */
const LONGEST_PROMPT_LINE = 1000;
/** A kernel message that lands behind a prompt does not hide it: `~ # [   12.345678] random: …`. */
const KERNEL_TIME_STAMP = /\[ *\d+\.\d{6}\] /;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineTyper {
  readonly #prompt: RegExp;
  readonly #type: (bytes: Uint8Array) => void;
  #lines: Uint8Array[] = [];
  #partialInput = new Uint8Array(0);
  #lastLine = '';
  #isAsking = false;
  #sawNewline = true;

  /** `prompt` is tested against the last line of the console's text. */
  constructor(prompt: RegExp, type: (bytes: Uint8Array) => void) {
    this.#prompt = prompt;
    this.#type = type;
  }

  /** Takes a piece of standard input. */
  input(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#partialInput.length + bytes.length);
    joined.set(this.#partialInput);
    joined.set(bytes, this.#partialInput.length);
    let start = 0;
    for (let end = joined.indexOf(NEWLINE); end >= 0; end = joined.indexOf(NEWLINE, start)) {
      this.#lines.push(joined.slice(start, end));
      start = end + 1;
    }
    this.#partialInput = joined.slice(start);
    this.#typeNext();
  }

  /** Standard input has ended; what stands after its last newline is a line too. */
  end(): void {
    if (this.#partialInput.length > 0) this.#lines.push(this.#partialInput);
    this.#partialInput = new Uint8Array(0);
    this.#typeNext();
  }

  /** Takes console text as ConsoleText gives it. */
  output(text: string): void {
    const lines = text.split('\n');
    for (const [index, piece] of lines.entries()) {
      if (index > 0) {
        this.#lastLine = '';
        this.#sawNewline = true;
      }
      this.#lastLine = (this.#lastLine + piece).slice(-LONGEST_PROMPT_LINE);
      if (this.#sawNewline && this.#endsWithPrompt()) this.#isAsking = true;
      this.#typeNext();
    }
  }

  #endsWithPrompt(): boolean {
    const kernelMessageAt = this.#lastLine.search(KERNEL_TIME_STAMP);
    const asked = kernelMessageAt > 0 ? this.#lastLine.slice(0, kernelMessageAt) : this.#lastLine;
    return asked.search(this.#prompt) >= 0;
  }

  #typeNext(): void {
    if (!this.#isAsking) return;
    const line = this.#lines.shift();
    if (!line) return;
    this.#isAsking = false;
    this.#sawNewline = false;
    const typed = new Uint8Array(line.length + 1);
    typed.set(line);
    typed[line.length] = CARRIAGE_RETURN;
    this.#type(typed);
  }
}
