/** The library, its worker and the bridge to the command line in a real Chromium, around an echo machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { chromiumSessions } from '../src/cli/chromium-session.ts';
import type { GuestSession } from '../src/cli/guest-session.ts';
import type { MachineError } from '../src/embed/api.ts';
import { ConsoleWaiters } from '../src/embed/console-waiters.ts';
import { ECHO_PROMPT } from '../src/emu/testing/echo-machine.ts';

const BOOT_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 5000;
const ENGINE = '../emu/machine/virtual-machine.ts';
const ECHO_ENGINE = fileURLToPath(new URL('../src/emu/testing/echo-engine.ts', import.meta.url));

let folder: string;
let session: GuestSession;
let waiters: ConsoleWaiters;
const exits: string[] = [];
const errors: MachineError[] = [];
let received = 0;

test.beforeAll(async () => {
  test.setTimeout(BOOT_TIMEOUT_MS);
  folder = mkdtempSync(join(tmpdir(), 'bramble-chromium-'));
  const kernel = join(folder, 'Image');
  writeFileSync(kernel, 'kernel');
  waiters = new ConsoleWaiters();
  const files = { kernel, initrd: undefined, dtb: undefined, append: '' };
  session = await chromiumSessions({ [ENGINE]: ECHO_ENGINE })(
    { ...files, memoryMiB: 64, disks: [], engine: 'normal' },
    {
      console: (bytes) => {
        received += bytes.length;
        waiters.push(bytes);
      },
      exit: (reason) => exits.push(reason),
      error: (error) => errors.push(error),
      log: () => {},
    },
  );
});

test.afterAll(async () => {
  await session?.close();
  rmSync(folder, { recursive: true });
});

/** Share of one processor that an idle machine may use. */
const IDLE_SHARE = 0.02;
const IDLE_SECONDS = 2;

async function measureShare(): Promise<number> {
  const before = await session.usage();
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  const after = await session.usage();
  return (after.cpuSeconds - before.cpuSeconds) / IDLE_SECONDS;
}

test('a machine in a worker of Chromium boots, answers, sleeps, floods and powers off', async () => {
  await test.step('boots and answers what is typed', async () => {
    const prompt = waiters.waitFor(new RegExp(ECHO_PROMPT), ANSWER_TIMEOUT_MS);
    await session.start();
    await prompt;
    const answer = waiters.waitFor(/you said: hello/, ANSWER_TIMEOUT_MS);
    session.type(new TextEncoder().encode('hello\r'));
    await answer;
  });
  await test.step('is isolated, so that guest memory can be shared', async () => {
    expect(await session.stats()).toMatchObject({ sharedMemory: true });
  });
  await test.step('uses no processor while the guest waits, once the browser has settled', async () => {
    await expect.poll(measureShare, { timeout: BOOT_TIMEOUT_MS }).toBeLessThan(IDLE_SHARE);
  });
  await test.step('carries a flood of output, and hears the power key meanwhile', async () => {
    const before = received;
    session.type(new TextEncoder().encode('flood\r'));
    await expect.poll(() => received - before, { timeout: ANSWER_TIMEOUT_MS }).toBeGreaterThan(1 << 20);
    session.pressPowerKey();
    await expect.poll(() => exits, { timeout: ANSWER_TIMEOUT_MS }).toEqual(['power-off']);
    expect(errors).toEqual([]);
  });
});
