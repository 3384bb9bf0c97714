/**
 * The page in a real browser against a scripted machine (`?fake=NAME`): every state is reachable, readable
 * and operable by keyboard, and axe finds nothing in any of them.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';

/** Everything axe knows up to WCAG 2.2 AA, and its best practices. */
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PHONE = { width: 375, height: 740 };

/** Serves a small catalogue, so that these tests do not depend on which images were built. */
async function withCatalog(page: Page): Promise<void> {
  const file = { sizeBytes: 1_500_000, sha256: 'ab'.repeat(32) };
  const guests = [
    {
      name: 'test',
      title: 'Test guest',
      description: 'A guest for tests.',
      files: [
        { role: 'kernel', path: 'test/Image.gz', ...file },
        { role: 'initrd', path: 'test/initramfs.cpio.gz', ...file },
      ],
      packages: [{ name: 'busybox-static', version: '1:1.35.0' }],
      licences: ['GPL-2.0-only'],
      commandLine: 'console=ttyAMA0',
      memoryMiB: 256,
    },
  ];
  await page.route('**/images/manifest.json', (route) => route.fulfill({ json: { guests } }));
}

async function boot(page: Page, scenario: string): Promise<void> {
  await withCatalog(page);
  await page.goto(`./?fake=${scenario}`);
  await page.getByRole('button', { name: 'Boot Linux' }).click();
}

async function expectNoFindings(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(AXE_TAGS).analyze();
  const findings = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  expect(findings).toEqual([]);
}

function terminalText(page: Page) {
  return page.locator('.xterm-rows');
}

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in the ${scheme} scheme`, () => {
    test.use({ colorScheme: scheme });

    test('axe finds nothing on the first page', async ({ page }) => {
      await withCatalog(page);
      await page.goto('./');
      await page.getByText('Advanced').click();
      await page.getByText('What is in it').click();
      await expectNoFindings(page);
    });

    test('axe finds nothing when files load', async ({ page }) => {
      await boot(page, 'loading');
      await expect(page.getByRole('progressbar')).toHaveAttribute('value', /^[1-9]/);
      await expectNoFindings(page);
    });

    test('axe finds nothing when the guest runs, is paused, and is off', async ({ page }) => {
      await boot(page, 'ready');
      await expect(terminalText(page)).toContainText('fake:~#');
      await expect(page.getByText('MIPS')).toBeVisible();
      await expectNoFindings(page);
      await page.getByRole('button', { name: 'Pause' }).click();
      await expect(page.getByText('Paused', { exact: true }).first()).toBeVisible();
      await expectNoFindings(page);
      await page.getByRole('button', { name: 'Resume' }).first().click();
      await page.getByRole('button', { name: 'Power' }).click();
      await page.getByRole('menuitem', { name: /Press the power key/ }).click();
      await expect(page.getByRole('heading', { name: 'The guest powered off.' })).toBeVisible();
      await expectNoFindings(page);
    });

    test('axe finds nothing when the boot fails', async ({ page }) => {
      await boot(page, 'panic');
      await expect(page.getByRole('alert')).toContainText('no program to run as init');
      await page.getByText('Technical details').click();
      await expectNoFindings(page);
    });
  });
}

test.describe('on a phone', () => {
  test.use({ viewport: PHONE, hasTouch: true });

  test('nothing is wider than the screen and axe finds nothing', async ({ page }) => {
    await boot(page, 'ready');
    await expect(page.getByRole('button', { name: 'Escape' })).toBeVisible();
    await expectNoFindings(page);
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(PHONE.width);
    await page.goto('./');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await width()).toBeLessThanOrEqual(PHONE.width);
    await expectNoFindings(page);
  });

  test('the input bar sends lines, and Ctrl sticks to one character', async ({ page }) => {
    await boot(page, 'ready');
    await expect(terminalText(page)).toContainText('fake:~#');
    const line = page.getByLabel('Line to send');
    await line.fill('echo hello');
    await line.press('Enter');
    await expect(terminalText(page)).toContainText('fake:~# echo hello');
    const ctrl = page.getByRole('button', { name: 'Ctrl' });
    await ctrl.click();
    await expect(ctrl).toHaveAttribute('aria-pressed', 'true');
    await line.pressSequentially('c');
    await expect(terminalText(page)).toContainText('^C');
    await expect(ctrl).toHaveAttribute('aria-pressed', 'false');
    await expect(line).toHaveValue('');
  });
});

test('high contrast is a remembered choice that axe finds nothing in', async ({ page }) => {
  await withCatalog(page);
  await page.goto('./');
  await page.getByRole('button', { name: 'Colours' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'High contrast' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-scheme', 'contrast');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-scheme', 'contrast');
  await expectNoFindings(page);
});

test('the terminal keeps its keys, and Shift+F6 leaves it', async ({ page }) => {
  await boot(page, 'ready');
  await expect(terminalText(page)).toContainText('fake:~#');
  await page.keyboard.type('a?b');
  await expect(terminalText(page)).toContainText('fake:~# a?b');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Shift+F6');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Help' })).toBeVisible();
  await expectNoFindings(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused();
});

test('a menu is operable by keyboard and gives focus back', async ({ page }) => {
  await boot(page, 'ready');
  await expect(terminalText(page)).toContainText('fake:~#');
  const power = page.getByRole('button', { name: 'Power' });
  await power.press('Enter');
  await expect(page.getByRole('menuitem', { name: /Press the power key/ })).toBeFocused();
  await expectNoFindings(page);
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('menuitem', { name: /Pull the plug/ })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(power).toBeFocused();
});

test('a paste of several lines asks first', async ({ page }) => {
  await boot(page, 'ready');
  await expect(terminalText(page)).toContainText('fake:~#');
  const paste = (text: string) =>
    page.evaluate((data) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', data);
      const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
      document.querySelector('.xterm textarea')!.dispatchEvent(event);
    }, text);
  await paste('one');
  await expect(terminalText(page)).toContainText('fake:~# one');
  await paste('two\nthree');
  const dialog = page.getByRole('dialog', { name: 'Paste 2 lines?' });
  await expect(dialog).toContainText('three');
  await expectNoFindings(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(terminalText(page)).not.toContainText('two');
  await paste('two\nthree');
  await dialog.getByRole('button', { name: 'Paste as one line' }).click();
  await expect(terminalText(page)).toContainText('onetwo three');
});

test('finds text in the console', async ({ page }) => {
  await boot(page, 'ready');
  await expect(terminalText(page)).toContainText('fake:~#');
  await page.keyboard.press('Control+Shift+F');
  await page.keyboard.type('initialised part 2');
  await expect(page.getByText('1 of 11')).toBeVisible();
  await expectNoFindings(page);
  await page.keyboard.press('Enter');
  await expect(page.getByText('2 of 11')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('search')).toHaveCount(0);
});

test('screen reader mode mirrors the console and is remembered', async ({ page }) => {
  await boot(page, 'ready');
  await page.getByRole('button', { name: 'Terminal', exact: true }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Screen reader mode' }).click();
  await expect(page.locator('.xterm-accessibility')).toContainText('fake:~#');
  await expectNoFindings(page);
  await boot(page, 'ready');
  await expect(page.locator('.xterm-accessibility')).toContainText('fake:~#');
});

test('reset and leaving ask first; boot again boots again', async ({ page }) => {
  await boot(page, 'ready');
  await expect(page.getByText(/Ready in/)).toBeVisible();
  await page.getByRole('button', { name: 'Reset…' }).click();
  await page
    .getByRole('dialog', { name: 'Reset the machine?' })
    .getByRole('button', { name: 'Reset' })
    .click();
  await expect(page.getByText(/Ready in/)).toBeHidden();
  await expect(page.getByText(/Ready in/)).toBeVisible();
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: /Pull the plug/ }).click();
  await expect(page.getByRole('heading', { name: 'The machine is off.' })).toBeVisible();
  await page.getByRole('button', { name: 'Boot again' }).click();
  await expect(page.getByText('Running', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Back to start' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('64-bit Arm computer');
});

test('an error can be copied as a report and tried again', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await boot(page, 'panic');
  await page.getByRole('button', { name: 'Copy report' }).click();
  await expect(page.getByText('Report copied.')).toBeVisible();
  const report = await page.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain('Error: no-init');
  expect(report).toContain('Kernel panic - not syncing');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a link fills in the form, says what it left out, and can be copied again', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await withCatalog(page);
  await page.goto('./?memory=1024&append=quiet&engine=interpret&cpus=4');
  await expect(page.getByRole('alert')).toContainText('cpus=4');
  await expect(page.getByLabel('Memory in MiB')).toHaveValue('1024');
  await expect(page.getByLabel('Kernel command line')).toHaveValue('quiet');
  await page.getByLabel('Memory in MiB').fill('7');
  await expect(page.getByRole('button', { name: 'Boot this machine' })).toBeDisabled();
  await page.getByLabel('Memory in MiB').fill('');
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByText('Link copied.')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(new URL(link).search).toBe('?append=quiet&engine=interpret');
});

test('dropped files are sorted by their content, and addresses can be entered', async ({ page }) => {
  const slot = (label: string) =>
    page.getByRole('listitem').filter({ has: page.getByText(label, { exact: true }) });
  await withCatalog(page);
  await page.goto('./');
  await expect(page.getByText('from the guest').first()).toBeVisible();
  await page.evaluate(() => {
    const cpio = new File(['070701', new Uint8Array(600)], 'first.bin');
    const image = new Uint8Array(600);
    image.set([0x41, 0x52, 0x4d, 0x64], 56);
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(cpio);
    dataTransfer.items.add(new File([image], 'second.bin'));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
  });
  await expect(page.getByText('Took first.bin as initrd, second.bin as kernel.')).toBeVisible();
  await expect(slot('Initrd')).toContainText('first.bin');
  await page.getByRole('button', { name: 'Use an address for Device tree' }).click();
  await page.getByRole('textbox', { name: /URL/ }).fill('boards/mine.dtb');
  await page.keyboard.press('Enter');
  await expect(slot('Device tree')).toContainText('boards/mine.dtb');
  await page.getByRole('button', { name: 'Remove second.bin' }).click();
  await expect(slot('Kernel')).toContainText('from the guest');
});

test('without images the page says why and offers own files', async ({ page }) => {
  await page.route('**/images/manifest.json', (route) => route.fulfill({ status: 404 }));
  await page.goto('./');
  await expect(page.getByText('The images of this site have not been built.')).toBeVisible();
  await expect(page.getByText('Choose a kernel first.')).toBeVisible();
  await expectNoFindings(page);
});

test('closing the tab is guarded only while a guest runs', async ({ page }) => {
  await boot(page, 'ready');
  await expect(terminalText(page)).toContainText('fake:~#');
  const guarded = () =>
    page.evaluate(() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true })));
  expect(await guarded()).toBe(true);
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: /Pull the plug/ }).click();
  await expect(page.getByRole('heading', { name: 'The machine is off.' })).toBeVisible();
  expect(await guarded()).toBe(false);
});
