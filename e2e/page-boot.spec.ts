/**
 * The page with the real engine and the default guest: Debian's kernel boots to a shell that one can type
 * at, and what goes wrong is said in words.
 */
import { existsSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';

const MANIFEST = new URL('../public/images/manifest.json', import.meta.url);
const BOOT_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 30_000;
const PROMPT = 'bramble:~#';

function terminalText(page: Page) {
  return page.locator('.xterm-rows');
}

async function bootToShell(page: Page): Promise<void> {
  await page.goto('./');
  await page.getByRole('button', { name: 'Boot Linux' }).click();
  await expect(terminalText(page)).toContainText(PROMPT, { timeout: BOOT_TIMEOUT_MS });
}

async function run(page: Page, command: string): Promise<void> {
  await page.keyboard.type(`${command}\n`);
}

/** A digit that the echo of the command does not contain shows that the guest has computed it. */
async function expectShellAnswers(page: Page, a: number, b: number): Promise<void> {
  await run(page, `echo sum=$((${a}+${b}))`);
  await expect(terminalText(page)).toContainText(`sum=${a + b}`, { timeout: COMMAND_TIMEOUT_MS });
}

test.describe('with the default guest', () => {
  test.skip(!existsSync(MANIFEST), 'the guest has not been built: this computer has no apt');

  test('boots Debian’s kernel to a shell, takes commands and powers off', async ({ page }) => {
    await bootToShell(page);
    await run(page, 'uname -a');
    await expect(terminalText(page)).toContainText(/Linux bramble \d+\.\d+\S* .*aarch64/, {
      timeout: COMMAND_TIMEOUT_MS,
    });
    await expectShellAnswers(page, 1234, 4321);
    await expect(page.getByText('Shared memory')).toBeVisible();
    await expect(page.locator('.status-bar')).toContainText(/\d+ MIPS/);
    await run(page, 'poweroff');
    await expect(page.getByRole('heading', { name: 'The guest powered off.' })).toBeVisible({
      timeout: COMMAND_TIMEOUT_MS,
    });
  });

  test('interrupts a program with Ctrl-C, stands still while paused, and goes on', async ({ page }) => {
    await bootToShell(page);
    await run(page, 'while true; do date +tick=%s; sleep 1; done');
    await expect(terminalText(page)).toContainText(/tick=\d+.*tick=\d+/, { timeout: COMMAND_TIMEOUT_MS });
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect(page.getByText('Paused', { exact: true }).first()).toBeVisible();
    const ticks = async () => (await terminalText(page).innerText()).match(/tick=\d+/g)?.at(-1);
    const whilePaused = await ticks();
    await page.waitForTimeout(2500);
    expect(await ticks()).toBe(whilePaused);
    await page.getByRole('button', { name: 'Resume' }).first().click();
    await expect.poll(ticks, { timeout: COMMAND_TIMEOUT_MS }).not.toBe(whilePaused);
    await page.keyboard.press('Control+c');
    await expectShellAnswers(page, 40, 27);
  });

  test('shuts the guest down by the power key, and boots again', async ({ page }) => {
    await bootToShell(page);
    await page.getByRole('button', { name: 'Power' }).click();
    await page.getByRole('menuitem', { name: /Press the power key/ }).click();
    await expect(page.getByRole('heading', { name: 'The guest powered off.' })).toBeVisible({
      timeout: COMMAND_TIMEOUT_MS,
    });
    await page.getByRole('button', { name: 'Boot again' }).click();
    await expect(page.getByText('Running', { exact: true })).toBeVisible();
    await expect(terminalText(page)).toContainText(PROMPT, { timeout: BOOT_TIMEOUT_MS });
    await expectShellAnswers(page, 500, 55);
  });

  test('keeps what the guest writes to an imported disk when the page is closed without a word', async ({
    page,
  }) => {
    await page.goto('./');
    const image = { name: 'notes.img', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1 << 20) };
    await page.locator('input[data-role=disk-image]').setInputFiles(image);
    await page.getByRole('button', { name: 'Boot notes' }).click();
    const dialog = page.getByRole('dialog', { name: 'How does notes boot?' });
    await dialog.getByRole('radio', { name: /BusyBox/ }).check();
    await dialog.getByRole('button', { name: 'Boot' }).click();
    await expect(terminalText(page)).toContainText(PROMPT, { timeout: BOOT_TIMEOUT_MS });
    // fsync asks the disk to flush; sync alone does not do that to a block device.
    await run(page, 'echo written-$((40+2)) | dd of=/dev/vda conv=fsync; echo kept=$?');
    await expect(terminalText(page)).toContainText('kept=0', { timeout: COMMAND_TIMEOUT_MS });
    page.on('dialog', (question) => void question.accept());
    await page.reload();
    await page.getByRole('button', { name: 'Boot notes' }).click();
    await expect(terminalText(page)).toContainText(PROMPT, { timeout: BOOT_TIMEOUT_MS });
    await run(page, 'head -n 1 /dev/vda');
    await expect(terminalText(page)).toContainText('written-42', { timeout: COMMAND_TIMEOUT_MS });
  });

  test('says in words that a machine without init cannot go on, with the kernel’s own last lines', async ({
    page,
  }) => {
    await page.goto('./?append=console%3DttyAMA0%20rdinit%3D%2Fnowhere%20init%3D%2Fnowhere&autostart=1');
    await expect(page.getByRole('alert')).toContainText(/init|root file system/, {
      timeout: BOOT_TIMEOUT_MS,
    });
    await page.getByText('Technical details').click();
    await expect(page.getByRole('alert').locator('pre')).toContainText('Kernel panic');
  });
});

test('says in words that a kernel file is broken', async ({ page }) => {
  await page.goto('./');
  const broken = {
    name: 'broken.gz',
    mimeType: 'application/gzip',
    buffer: Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]),
  };
  await page.locator('input[data-role=kernel]').setInputFiles(broken);
  await expect(page.getByRole('button', { name: 'Remove broken.gz' })).toBeVisible();
  await page.getByRole('button', { name: 'Boot this machine' }).click();
  await expect(page.getByRole('alert')).toContainText(/kernel/i);
  await expect(page.getByRole('alert').getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.getByRole('button', { name: 'Back to start' }).last().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('64-bit Arm computer');
});

test('says in words that a file is not there', async ({ page }) => {
  await page.goto('./?kernel=images/none&autostart=1');
  await expect(page.getByRole('alert')).toContainText('The kernel could not be fetched');
});
