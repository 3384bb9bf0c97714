/** One life of the browser in `npm run soak:disks`: what was flushed in it, as far as it said so before it died. */
import type { Page } from '@playwright/test';
import type { ServedItem } from '../../src/cli/page-server.ts';
import type { GuestAddresses } from './page.ts';

/** A round that hears nothing for so long has failed; ticks stop with the program, unlike a clock. */
const PATIENCE_TICKS = 300;
const TICK_MS = 1000;

/** What is written to a disk, and how it is looked at after each kill. */
export interface SoakSubject {
  /** Served beside the page, by path. */
  readonly files: ReadonlyMap<string, ServedItem>;
  /** Makes the disk in the library, and gives its id. */
  makeDisk(page: Page): Promise<string>;
  /** Reads the disk as a kill has left it; what was flushed is all records up to `last`. */
  check(page: Page, id: string, last: number): Promise<Verdict>;
  /** Writes from `round.last + 1` on; resolves at the moment at which the browser is to be killed. */
  write(page: Page, id: string, round: Round): Promise<void>;
  /** For the last line of the report. */
  remark?(): string;
  close(): void;
}

export interface Verdict {
  /** What is wrong; the disk may be written meanwhile. */
  readonly fault: Promise<string | undefined>;
}

/** What the page is given to call. */
export interface PageTells {
  /** Every record up to this one was flushed. */
  flushed(last: number): Promise<void>;
  printed(text: string): Promise<void>;
}

export class Round {
  readonly number: number;
  last: number;
  readonly #first: number;
  #output = '';
  #wake: (() => void) | undefined;

  constructor(number: number, last: number) {
    this.number = number;
    this.last = last;
    this.#first = last + 1;
  }

  async prepare(page: Page): Promise<void> {
    const tells: PageTells = {
      flushed: async (last) => this.#take(last),
      printed: async (text) => {
        this.#output += text;
        for (const [, number] of this.#output.matchAll(/synced=(\d+)\r?\n/g)) this.#take(Number(number));
        this.#wake?.();
      },
    };
    await page.exposeFunction('flushed', tells.flushed);
    await page.exposeFunction('printed', tells.printed);
  }

  /** Boots a guest with the disk. */
  async start(page: Page, id: string, guest: GuestAddresses): Promise<void> {
    await page.evaluate(
      ([disk, addresses]) => {
        const { printed } = window as unknown as PageTells;
        return window.disks.bootGuest(disk, addresses, printed);
      },
      [id, guest] as const,
    );
  }

  /** Resolves when the guest has printed `text`. */
  prints(text: string): Promise<void> {
    return this.until(`"${text}"`, () => this.#output.includes(text));
  }

  /** Lets the browser live for a random while after the first flush of this round. */
  async liveOn(longestMs: number): Promise<void> {
    await this.until('the first flush', () => this.last >= this.#first);
    await sleep(Math.random() * longestMs);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks++;
      this.#wake?.();
    }, TICK_MS);
    try {
      while (!condition()) {
        if (ticks > PATIENCE_TICKS)
          throw new Error(`waited in vain for ${what}; the console ends in\n${this.tail}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearInterval(ticking);
    }
  }

  get tail(): string {
    return this.#output.slice(-1000);
  }

  #take(last: number): void {
    this.last = Math.max(this.last, last);
    this.#wake?.();
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
