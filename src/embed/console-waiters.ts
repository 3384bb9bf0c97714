/** Promises for text that the guest has yet to print. */
import { ConsoleText } from '../workers/console-text.ts';

/** A match is found when it lies within so many of the last characters. */
const WINDOW_CHARACTERS = 65536;

interface Waiter {
  readonly pattern: RegExp;
  text: string;
  readonly resolve: (match: RegExpMatchArray) => void;
  readonly reject: (reason: Error) => void;
}

export class ConsoleWaiters {
  readonly #text = new ConsoleText();
  readonly #waiters = new Set<Waiter>();

  push(bytes: Uint8Array): void {
    const text = this.#text.push(bytes);
    for (const waiter of [...this.#waiters]) {
      waiter.text = (waiter.text + text).slice(-WINDOW_CHARACTERS);
      const match = waiter.pattern.exec(waiter.text);
      if (match) waiter.resolve(match);
    }
  }

  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray> {
    // A global or sticky pattern would carry its position from one try to the next.
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern: stateless,
        text: '',
        resolve: (match) => {
          finish();
          resolve(match);
        },
        reject: (reason) => {
          finish();
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      if (timeoutMs === undefined) return;
      const late = `the console did not match ${pattern} within ${timeoutMs} ms; it ended with: `;
      timer = setTimeout(
        () => waiter.reject(new Error(late + JSON.stringify(waiter.text.slice(-200)))),
        timeoutMs,
      );
    });
  }

  /** Nothing more will be printed. */
  rejectAll(reason: string): void {
    for (const waiter of [...this.#waiters]) waiter.reject(new Error(reason));
  }
}
