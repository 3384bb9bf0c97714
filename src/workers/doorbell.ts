/**
 * How a machine's loop lets the host have its turn, and sleeps until something happens.
 *
 * Timers are useless below a few milliseconds (browsers clamp nested ones to 4 ms, HTML 8.6; Node to 1),
 * so short sleeps block the thread, which belongs to the machine, for at most SHORTEST_TIMER_MS, and
 * messages wait that long at worst; longer sleeps are timers that a ring of the doorbell cuts short. While an
 * answer from outside is awaited, all sleeps are timers, so that it is heard at once.
 */

/** Schedules a callback in a later turn of the event loop, after messages that have arrived. */
export type ScheduleTurn = (callback: () => void) => void;

const SHORTEST_TIMER_MS = 4;
/** Below this a turn of the event loop takes as long. */
const SHORTEST_SLEEP_MS = 0.05;
/** Timers take their delay as a signed 32-bit number of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Doorbell {
  readonly #scheduleTurn: ScheduleTurn;
  readonly #sleepWord: Int32Array | undefined;
  #rung = false;
  #wake: (() => void) | undefined;
  #awaited = 0;

  constructor(scheduleTurn: ScheduleTurn) {
    this.#scheduleTurn = scheduleTurn;
    this.#sleepWord = createSleepWord();
  }

  /** Ends the wait that is under way, or the next one. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Something is under way outside whose end the machine waits for. */
  begun(): void {
    this.#awaited++;
  }

  /** It has ended. */
  ended(): void {
    this.#awaited--;
    this.ring();
  }

  get isAwaiting(): boolean {
    return this.#awaited > 0;
  }

  /** Lets messages, timers and input in. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#scheduleTurn(resolve));
  }

  /**
   * Waits until the bell rings, or `timeoutMs` have passed. The host has a turn in any case, so that
   * whatever rang has finished its work when this resolves.
   */
  async wait(timeoutMs: number | undefined): Promise<void> {
    if (!this.#rung) {
      if (timeoutMs === undefined || timeoutMs > SHORTEST_TIMER_MS || this.isAwaiting || !this.#sleepWord) {
        await this.#sleep(timeoutMs);
      } else if (timeoutMs >= SHORTEST_SLEEP_MS) {
        Atomics.wait(this.#sleepWord, 0, 0, timeoutMs);
      }
    }
    await this.turn();
    this.#rung = false;
  }

  async #sleep(timeoutMs: number | undefined): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (timeoutMs !== undefined) timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_TIMER_MS));
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

/** Memory that a thread may block on; pages that are not isolated still get it from WebAssembly. */
function createSleepWord(): Int32Array | undefined {
  try {
    return new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  } catch {
    return undefined;
  }
}

/** Turns of the event loop that no timer clamp slows: setImmediate where there is one, else a port. */
export function createTurnScheduler(): ScheduleTurn {
  if (typeof setImmediate === 'function') return (callback) => void setImmediate(callback);
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(undefined);
  };
}
