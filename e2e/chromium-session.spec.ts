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

const IDLE_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 5000;
const ENGINE = '../emu/machine/virtual-machine.ts';
const ECHO_ENGINE = fileURLToPath(new URL('../src/emu/testing/echo-engine.ts', import.meta.url));

let folder: string;
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-chromium-'));
});
test.afterAll(() => rmSync(folder, { recursive: true }));

/** A session around the echo machine, and what it says. */
async function openSession(isolated: boolean) {
  const kernel = join(folder, 'Image');
  writeFileSync(kernel, 'kernel');
  const waiters = new ConsoleWaiters();
  const seen = { exits: [] as string[], errors: [] as MachineError[], bytes: 0 };
  const files = { kernel, initrd: undefined, dtb: undefined, append: '' };
  const session = await chromiumSessions({ replacements: { [ENGINE]: ECHO_ENGINE }, isolated })(
    { ...files, memoryMiB: 64, disks: [], engine: 'normal' },
    {
      console: (bytes) => {
        seen.bytes += bytes.length;
        waiters.push(bytes);
      },
      exit: (reason) => seen.exits.push(reason),
      error: (error) => seen.errors.push(error),
      log: () => {},
    },
  );
  const type = (text: string): void => session.type(new TextEncoder().encode(text));
  return { session, waiters, seen, type };
}

/** Share of one processor that an idle machine may use. */
const IDLE_SHARE = 0.02;
const IDLE_SECONDS = 2;

async function measureShare(session: GuestSession): Promise<number> {
  const before = await session.usage();
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  const after = await session.usage();
  return (after.cpuSeconds - before.cpuSeconds) / IDLE_SECONDS;
}

for (const isolated of [true, false]) {
  const name = isolated ? 'an isolated page' : 'a page that is not isolated';
  test(`a machine in a worker of ${name} boots, answers, sleeps, floods and powers off`, async () => {
    const { session, waiters, seen, type } = await openSession(isolated);
    await test.step('boots and answers what is typed', async () => {
      const prompt = waiters.waitFor(new RegExp(ECHO_PROMPT), ANSWER_TIMEOUT_MS);
      await session.start();
      await prompt;
      const answer = waiters.waitFor(/you said: hello/, ANSWER_TIMEOUT_MS);
      type('hello\r');
      await answer;
    });
    await test.step('shares memory exactly when the page may', async () => {
      expect(await session.stats()).toMatchObject({ sharedMemory: isolated });
    });
    await test.step('uses no processor while the guest waits, once the browser has settled', async () => {
      await expect.poll(() => measureShare(session), { timeout: IDLE_TIMEOUT_MS }).toBeLessThan(IDLE_SHARE);
    });
    await test.step('carries a flood of output, and hears the power key meanwhile', async () => {
      const before = seen.bytes;
      type('flood\r');
      await expect.poll(() => seen.bytes - before, { timeout: ANSWER_TIMEOUT_MS }).toBeGreaterThan(1 << 20);
      session.pressPowerKey();
      await expect.poll(() => seen.exits, { timeout: ANSWER_TIMEOUT_MS }).toEqual(['power-off']);
      expect(seen.errors).toEqual([]);
    });
    await session.close();
  });
}
