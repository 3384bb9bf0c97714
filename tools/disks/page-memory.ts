/**
 * What a process that runs a page has in memory while something happens (proc_pid_smaps(5)). Its resident set
 * counts the browser's program, which all of its processes share, so it says little about a page; private
 * memory is what would be free without this process, and the proportional share (Pss) lies between.
 */
import { readFileSync } from 'node:fs';

const BYTES_PER_KIB = 1024;
const SAMPLE_MS = 50;

export interface MemoryUse {
  readonly residentBytes: number;
  readonly proportionalBytes: number;
  readonly privateBytes: number;
}

const NOTHING: MemoryUse = { residentBytes: 0, proportionalBytes: 0, privateBytes: 0 };

/** Of the process that has most; zeros where there is no /proc. */
export function memoryOf(pids: readonly number[]): MemoryUse {
  return pids.map(readMemory).reduce(most, NOTHING);
}

/** The most that any of them has while `work` goes on, by samples: what comes and goes between two is missed. */
export async function peakMemoryDuring(
  pids: () => readonly number[],
  work: Promise<unknown>,
): Promise<MemoryUse> {
  let peak = NOTHING;
  const timer = setInterval(() => {
    peak = most(peak, memoryOf(pids()));
  }, SAMPLE_MS);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return peak;
}

function most(a: MemoryUse, b: MemoryUse): MemoryUse {
  return {
    residentBytes: Math.max(a.residentBytes, b.residentBytes),
    proportionalBytes: Math.max(a.proportionalBytes, b.proportionalBytes),
    privateBytes: Math.max(a.privateBytes, b.privateBytes),
  };
}

function readMemory(pid: number): MemoryUse {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch {
    return NOTHING;
  }
  const field = (name: string): number => {
    const [, kib] = new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text) ?? [];
    return Number(kib ?? 0) * BYTES_PER_KIB;
  };
  return {
    residentBytes: field('Rss'),
    proportionalBytes: field('Pss'),
    privateBytes: field('Private_Clean') + field('Private_Dirty'),
  };
}
