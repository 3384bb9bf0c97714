/**
 * A blinking cursor for few repaints: xterm.js blinks by an endless animation, for which browsers draw sixty frames a
 * second (5 % of a processor while nothing happens). This one draws a frame a phase, and stays after a while.
 */

const PHASE_MS = 600;
/** Then nobody is looking for the cursor. Even: it ends shown. */
const PHASES = 20;
const HIDDEN = 'cursor-hidden';

export class CursorBlink {
  readonly #host: HTMLElement;
  #phase = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `host` gets a class while the cursor is to be hidden. */
  constructor(host: HTMLElement) {
    this.#host = host;
  }

  /** Something happened at the cursor: it is shown, and blinks for a while. */
  restart(): void {
    this.#phase = 0;
    this.#host.classList.remove(HIDDEN);
    this.#timer ??= setInterval(() => this.#next(), PHASE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#host.classList.remove(HIDDEN);
  }

  #next(): void {
    this.#phase++;
    if (this.#phase === PHASES) this.stop();
    else this.#host.classList.toggle(HIDDEN, this.#phase % 2 === 1);
  }
}
