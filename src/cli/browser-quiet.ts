/**
 * Waits until a browser has ended its own start. Chromium goes on for most of a second after its first page is there:
 * on a computer of two processors, a machine that boots meanwhile has one of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession } from '@playwright/test';

const INTERVAL_MS = 250;
/** A browser that rests takes less of a processor, and did so for so many intervals. */
const RESTING_SHARE = 0.1;
const RESTING_INTERVALS = 2;
/** One that never rests has something else to do. */
const MOST_INTERVALS = 40;
const MS_PER_SECOND = 1000;

export async function untilQuiet(devtools: CDPSession): Promise<void> {
  let before = await cpuSeconds(devtools);
  let resting = 0;
  for (let interval = 0; interval < MOST_INTERVALS && resting < RESTING_INTERVALS; interval++) {
    await sleep(INTERVAL_MS);
    const now = await cpuSeconds(devtools);
    resting = now - before < (RESTING_SHARE * INTERVAL_MS) / MS_PER_SECOND ? resting + 1 : 0;
    before = now;
  }
}

/** Processor time of all processes of the browser. */
async function cpuSeconds(devtools: CDPSession): Promise<number> {
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}
