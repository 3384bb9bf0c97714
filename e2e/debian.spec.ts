/** Debian in the page, on a disk of the library: first boot, what it can do, a restart from inside, without systemd. */
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';

const IMAGES = new URL('../public/images/', import.meta.url);
const PROMPT = 'root@debian:~#';
/** With the import of the image. */
const BOOT_TIMEOUT_MS = 400_000;
const COMMAND_TIMEOUT_MS = 90_000;

function isBuilt(): boolean {
  try {
    const { guests } = JSON.parse(readFileSync(new URL('manifest.json', IMAGES), 'utf8'));
    return guests.some(({ name }: { name: string }) => name === 'debian');
  } catch {
    return false;
  }
}

test.skip(!isBuilt(), 'Debian is not built ("npm run images debian" builds it)');
test.setTimeout(3 * BOOT_TIMEOUT_MS);

function terminal(page: Page) {
  return page.locator('.xterm-rows');
}

/** Types a command on a cleared terminal; `expected` must not be in the command itself. */
async function expectAnswer(page: Page, command: string, expected: string | RegExp): Promise<void> {
  await page.keyboard.type(`clear; ${command}\n`);
  await expect(terminal(page)).toContainText(expected, { timeout: COMMAND_TIMEOUT_MS });
  await expect(terminal(page)).toContainText(PROMPT, { timeout: COMMAND_TIMEOUT_MS });
}

/** A row each: what a user of Debian would try first. */
const ANSWERS: readonly (readonly [command: string, expected: string | RegExp])[] = [
  ['systemctl --failed --no-pager', '0 loaded units listed'],
  ['systemctl is-system-running', 'running'],
  ['apt-get --version', /apt \d+\.\d+\.\d+ \(arm64\)/],
  ['dpkg --audit; echo audit=$?', 'audit=0'],
  ["python3 -c 'print(6 * 7, sum(range(101)))'", '42 5050'],
  ['printf abc | openssl dgst -sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ["sqlite3 :memory: 'create table t(n); insert into t values (40),(2); select sum(n) from t'", '42'],
  ['nano --version', /GNU nano, version \d/],
  ['passwd --status root', 'root NP'],
];

test('boots without input, does what a Debian does, and keeps a file over a restart from inside', async ({
  page,
}) => {
  await page.goto('./');
  await page.getByRole('button', { name: 'Boot Debian' }).first().click();
  await expect(terminal(page)).toContainText(PROMPT, { timeout: BOOT_TIMEOUT_MS });
  for (const [command, expected] of ANSWERS) await expectAnswer(page, command, expected);
  await expectAnswer(page, 'seq 100000 > /root/kept; sync; echo written=$?', 'written=0');
  await page.keyboard.type('clear; systemctl reboot\n');
  await expect(terminal(page)).toContainText('login: root (automatic login)', { timeout: BOOT_TIMEOUT_MS });
  await expectAnswer(page, 'tail -n 1 /root/kept; wc -c < /root/kept', /100000\s*588895/);

  await page.keyboard.type('poweroff\n');
  await expect(page.getByRole('heading', { name: 'The guest powered off.' })).toBeVisible({
    timeout: COMMAND_TIMEOUT_MS,
  });
  await page.getByRole('button', { name: 'Back to start' }).first().click();
  await page.getByRole('button', { name: 'Actions for Debian' }).click();
  await page.getByRole('menuitem', { name: 'Choose how it boots…' }).click();
  const dialog = page.getByRole('dialog', { name: 'How does Debian boot?' });
  const commandLine = dialog.getByLabel('Kernel command line');
  await commandLine.fill(`${await commandLine.inputValue()} init=/usr/local/sbin/plain-init`);
  await dialog.getByRole('button', { name: 'Boot' }).click();
  await expect(terminal(page)).toContainText('there is no systemd here', { timeout: BOOT_TIMEOUT_MS });
  await expectAnswer(page, 'tail -n 1 /root/kept; ps -o comm= 1', /100000\s*plain-init/);
});
