/** Runs a guest until its console shows something, and reads its memory then. */
import { randomFillSync } from 'node:crypto';
import type { RegionEvent } from '../../src/emu/jit/region-events.ts';
import { createVirtualMachine } from '../../src/emu/machine/virtual-machine.ts';

const MEMORY_BYTES = 512 << 20;
const SLICE_MS = 50;
const NS_PER_MS = 1e6;
const LONGEST_SLEEP_MS = 10;

export interface GuestFiles {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array | undefined;
  readonly commandLine: string;
}

/** A guest that has been run. */
export interface RunGuest {
  /** Words by virtual address, as the kernel sees them. */
  readonly wordAt: (address: bigint) => number | undefined;
  /** What became of translated code, in order, and how many instructions had been executed. */
  readonly events: readonly { readonly instructions: number; readonly event: RegionEvent }[];
}

/** @throws {Error} when the guest ends before the match. */
export async function runGuestUntil(
  { kernel, initrd, commandLine }: GuestFiles,
  pattern: RegExp,
): Promise<RunGuest> {
  const events: RunGuest['events'][number][] = [];
  const decoder = new TextDecoder();
  let console = '';
  const machine = await createVirtualMachine(
    {
      board: 'virt',
      cpus: 1,
      ramBytes: MEMORY_BYTES,
      sharedMemory: false,
      kernel,
      ...(initrd && { initrd }),
      commandLine,
      disks: [],
      engine: 'normal',
    },
    {
      clock: { nowNs: () => Math.floor(performance.now() * NS_PER_MS) },
      wallClock: { nowSeconds: () => Math.floor(Date.now() / 1000) },
      entropy: { fill: (target) => void randomFillSync(target) },
      log: { write: () => {} },
      consoleOutput: (bytes) => {
        console += decoder.decode(bytes, { stream: true });
      },
      onRegion: (event) => events.push({ instructions: executed(), event }),
    },
  );
  const executed = () => {
    const { instructionsInterpreted, instructionsTranslated } = machine.stats();
    return instructionsInterpreted + instructionsTranslated;
  };
  while (!pattern.test(console)) {
    const result = machine.runSlice(SLICE_MS);
    if (result.kind === 'off' || result.kind === 'reset')
      throw new Error('the guest has ended before its console showed that');
    if (result.kind === 'idle')
      await sleep(Math.min(result.wakeAfterMs ?? LONGEST_SLEEP_MS, LONGEST_SLEEP_MS));
  }
  return { wordAt: (address) => machine.wordAt(address), events };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
