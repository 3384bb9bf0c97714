/** How fast a booted kernel reads and writes a disk of the library, by its own dd and its own clock. */
import type { Page } from '@playwright/test';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import type { ServedItem } from '../../src/cli/page-server.ts';
import type { Report } from './bench-report.ts';
import type { DisksHarness } from './harness.ts';
import type { PageTells } from './soak-round.ts';

const KERNEL = '/guest/kernel';
const INITRD = '/guest/initrd';
const PROMPT = /bramble:~# /;
/** A guest that says nothing for so long has failed. */
const PATIENCE_MS = 120_000;
const MS_PER_SECOND = 1000;
const SECONDS_PER_MINUTE = 60;
const MIB = 1 << 20;
const SEQUENTIAL_BAR = { atLeast: 100 };
const CACHED_BAR = { atLeast: 400 };
/** What fits into the storage thread's memory. */
const CACHED_MIB = 32;
/** The guest's clock shows hundredths of a second. */
const CACHED_PASSES = 8;

/** What the browser has to serve. */
export function guestFiles(): Map<string, ServedItem> {
  const guest = findDefaultGuest();
  if (guest?.initrd === undefined) throw new Error('no guest is built ("npm run images" builds one)');
  return new Map([
    [KERNEL, { file: guest.kernel }],
    [INITRD, { file: guest.initrd }],
  ]);
}

export interface GuestDisk {
  readonly id: string;
  /** For the lines of the report. */
  readonly name: string;
  readonly mib: number;
}

/** Boots a guest with the disk and lets it read, and write when `writes`. */
export async function measureGuest(
  harness: DisksHarness,
  { id, name, mib }: GuestDisk,
  report: Report,
  writes = false,
): Promise<void> {
  const guest = new GuestConsole();
  const { page, context } = await harness.openPage((fresh) => guest.attach(fresh));
  try {
    await page.evaluate(
      ([disk, kernel, initrd]) => {
        const { printed } = window as unknown as Pick<PageTells, 'printed'>;
        const commandLine = 'console=ttyAMA0 cryptomgr.notests quiet';
        return window.disks.bootGuest(disk, { kernel, initrd, commandLine }, printed);
      },
      [id, KERNEL, INITRD] as const,
    );
    await guest.sees(PROMPT);
    const rate = (what: string, bar: object, count: number, command: string): Promise<void> =>
      report.rate(`guest: ${what}, ${name}`, count * MIB, bar, () => guest.duration(page, command));
    const read = (count: number, flags: string): string =>
      `dd if=/dev/vda of=/dev/null bs=1M count=${count}${flags}`;
    await rate('reads in order, direct, cold', SEQUENTIAL_BAR, mib, read(mib, ' iflag=direct'));
    await rate('reads in order, read ahead by the kernel', {}, mib, read(mib, ''));
    await guest.duration(page, read(CACHED_MIB, ' iflag=direct'));
    const passes = Array(CACHED_PASSES).fill(read(CACHED_MIB, ' iflag=direct')).join('; ');
    const cached = `32 MB ${CACHED_PASSES} times more, direct`;
    await rate(cached, CACHED_BAR, CACHED_MIB * CACHED_PASSES, `sh -c '${passes}'`);
    if (writes) {
      const write = `dd if=/dev/zero of=/dev/vda bs=1M count=${mib} conv=fsync`;
      await rate('writes of zeros in order, with fsync', {}, mib, write);
    }
  } finally {
    await context.close();
  }
}

class GuestConsole {
  #output = '';
  #wake: (() => void) | undefined;

  async attach(page: Page): Promise<void> {
    const printed = async (text: string): Promise<void> => {
      this.#output += text;
      this.#wake?.();
    };
    await page.exposeFunction('printed', printed);
  }

  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found) return found;
      if (/error [\w-]+:/.test(this.#output)) throw new Error(this.#output);
      await new Promise<void>((resolve, reject) => {
        const patience = setTimeout(
          () => reject(new Error(`the guest is silent: ${this.#output}`)),
          PATIENCE_MS,
        );
        this.#wake = () => {
          clearTimeout(patience);
          resolve();
        };
      });
    }
  }

  /** The milliseconds that a command takes by the guest's clock. */
  async duration(page: Page, command: string): Promise<number> {
    this.#output = '';
    await page.evaluate((text) => window.disks.type(text), `time ${command}\n`);
    const [, minutes, seconds] = await this.sees(/real\s+(\d+)m\s*([\d.]+)s/);
    await this.sees(/sys.*bramble:~# /s);
    return (Number(minutes) * SECONDS_PER_MINUTE + Number(seconds)) * MS_PER_SECOND;
  }
}
