/**
 * The disk manager of the page against a library in memory (`?fakeDisks=WORDS`): everything one can do with
 * a disk, by mouse and by keyboard, what goes wrong in words, and nothing that axe finds.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, type Page, test } from '@playwright/test';

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PHONE = { width: 375, height: 740 };
/** Its program, as a development server and a built page name it. */
const STORAGE_THREAD = /storage\.worker/;
const IMAGE = { name: 'alpine.img.xz', mimeType: 'application/x-xz', buffer: Buffer.alloc(100_000) };

/** A guest that mounts a disk, and one that does not. */
async function withCatalog(page: Page): Promise<void> {
  const file = { sizeBytes: 1_500_000, sha256: 'ab'.repeat(32) };
  const kernel = { role: 'kernel', path: 'test/Image.gz', ...file };
  const initrd = { role: 'initrd', path: 'test/initrd', ...file };
  const guests = [
    { name: 'test', title: 'Test guest', description: 'In memory.', files: [kernel, initrd] },
    {
      name: 'disked',
      title: 'Disk guest',
      description: 'With a disk.',
      files: [kernel, initrd, { role: 'disk', path: 'test/disk.img.xz', ...file }],
      commandLine: 'root=/dev/vda rw',
    },
  ];
  await page.route('**/images/manifest.json', (route) => route.fulfill({ json: { guests } }));
}

async function open(page: Page, words: string, machine = 'ready'): Promise<void> {
  await withCatalog(page);
  await page.goto(`./?fake=${machine}&fakeDisks=${words}`);
  await expect(page.getByRole('heading', { name: 'Your disks' })).toBeVisible();
}

function row(page: Page, name: string): Locator {
  return page.locator('.disk-row').filter({ has: page.getByRole('heading', { name, exact: true }) });
}

async function choose(page: Page, disk: string, action: string | RegExp): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${disk}`, exact: true }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

async function expectNoFindings(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(AXE_TAGS).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)).toEqual(
    [],
  );
}

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in the ${scheme} scheme`, () => {
    test.use({ colorScheme: scheme });

    test('axe finds nothing in the list, its details, its menu, a dialog and a job', async ({ page }) => {
      await open(page, 'some,cut-off,full,slow');
      await page.locator('input[data-role=disk-image]').setInputFiles(IMAGE);
      await row(page, 'Debian bookworm').getByText('Details').click();
      await page.getByRole('button', { name: 'Keep my disks' }).click();
      await expect(page.getByText('The browser made no promise')).toBeVisible();
      await expect(page.getByRole('progressbar')).toHaveAttribute('value', /^[1-9]/);
      await page.getByRole('button', { name: 'Actions for raspios-lite' }).click();
      await expectNoFindings(page);
      await page.getByRole('menuitem', { name: 'Resize…' }).click();
      await page.getByRole('textbox', { name: 'Size' }).fill('1');
      await expect(page.getByRole('alert')).toContainText('The last 7 GiB of the disk are dropped');
      await expectNoFindings(page);
    });
  });
}

test('an empty library says how to begin, and an import makes the first disk', async ({ page }) => {
  await open(page, 'none');
  await expect(page.getByRole('heading', { name: 'No disks yet' })).toBeVisible();
  await expectNoFindings(page);
  await page.locator('input[data-role=disk-image]').setInputFiles(IMAGE);
  await expect(row(page, 'alpine')).toContainText('from alpine.img.xz');
  await expect(page.locator('bramble-disks > section > [role=status]')).toHaveText('alpine is imported.');
  await page.locator('input[data-role=disk-image]').setInputFiles(IMAGE);
  await expect(row(page, 'alpine 2')).toBeVisible();
});

test('an import shows its stage, bytes, rate and time, and can be cancelled', async ({ page }) => {
  await open(page, 'some,slow');
  await page.locator('input[data-role=disk-image]').setInputFiles(IMAGE);
  await expect(page.locator('.job-facts')).toContainText(
    /Fetching · [\d.]+ KiB of 97.7 KiB · .*\/s · .* left/,
  );
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('.job')).toHaveCount(0);
  await expect(row(page, 'alpine')).toHaveCount(0);
});

test('an import that was cut off goes on, or is discarded', async ({ page }) => {
  await open(page, 'cut-off');
  await expect(page.getByText('310 MiB of 900 MiB are here')).toBeVisible();
  await page.getByRole('button', { name: 'Go on with ubuntu-arm64' }).click();
  await expect(row(page, 'ubuntu-arm64')).toBeVisible();
  await page.getByLabel('Choose the file again… to go on with my-card').setInputFiles(IMAGE);
  await expect(row(page, 'my-card')).toBeVisible();
  await open(page, 'cut-off');
  await page.getByRole('button', { name: 'Discard ubuntu-arm64' }).click();
  await page.getByRole('button', { name: 'Discard my-card' }).click();
  await expect(page.getByRole('heading', { name: 'No disks yet' })).toBeVisible();
});

test('an import by address is checked before it starts, and explains CORS when the site refuses', async ({
  page,
}) => {
  await open(page, 'fail:cross-origin');
  await page.getByRole('button', { name: 'From an address…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import from an address' });
  await dialog.getByLabel('Address of the image').fill('https://a.example/mint.img.xz');
  await dialog.getByLabel('SHA-256').fill('12');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(dialog).toBeVisible();
  await dialog.getByLabel('SHA-256').fill('AB'.repeat(32));
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('mint was not imported. The file could not be read from that site.');
  await expect(alert).toContainText('Access-Control-Allow-Origin');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose the downloaded file…' }).click();
  await (await chooser).setFiles(IMAGE);
  await expect(page.getByRole('alert')).toContainText('alpine was not imported.');
});

test('a disk is made, renamed in place, cloned, resized, reset and deleted', async ({ page }) => {
  await open(page, 'some');
  await page.getByRole('button', { name: 'New empty disk…' }).click();
  await page.getByRole('textbox', { name: 'Size' }).fill('1.5');
  await page.getByRole('textbox', { name: 'Name' }).fill('data');
  await page.keyboard.press('Enter');
  await expect(row(page, 'data')).toContainText('1.5 GiB · made empty');

  await choose(page, 'data', 'Rename');
  await page.getByRole('textbox', { name: 'New name of data' }).fill('nothing');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Actions for data' })).toBeFocused();
  await choose(page, 'data', 'Rename');
  await page.getByRole('textbox', { name: 'New name of data' }).fill('home');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Actions for home' })).toBeFocused();

  await choose(page, 'Debian bookworm', 'Clone…');
  await expect(page.getByRole('textbox', { name: 'Name of the clone' })).toHaveValue('Debian bookworm copy');
  await page.keyboard.press('Enter');
  await expect(row(page, 'Debian bookworm copy')).toContainText('clone of Debian bookworm');

  await choose(page, 'home', 'Resize…');
  await page.getByRole('textbox', { name: 'Size' }).fill('1');
  await page.getByRole('button', { name: 'Resize' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.getByLabel('Nothing I need lies there').check();
  await page.getByRole('button', { name: 'Resize' }).click();
  await expect(row(page, 'home')).toContainText('1 GiB · made empty');

  await choose(page, 'raspios-lite', 'Delete…');
  const question = page.getByRole('dialog', { name: 'Delete raspios-lite?' });
  await expect(question).toContainText('This frees 1.9 GiB.');
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, 'raspios-lite')).toHaveCount(0);
  await expect(page.locator('#disks')).toBeFocused();
});

test('a disk in use offers nothing that needs it; a reset takes two steps and says what it frees', async ({
  page,
}) => {
  await open(page, 'some');
  await expect(row(page, 'Debian, with gcc')).toContainText('In use in another tab');
  await expect(page.getByRole('button', { name: 'Boot Debian, with gcc' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Actions for Debian, with gcc' }).click();
  for (const action of ['Files…', 'Clone…', 'Resize…', 'Export…', 'Reset…', 'Delete…'])
    await expect(
      page.getByRole('menuitem', { name: `${action} When its machine in the other tab is off` }),
    ).toBeDisabled();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Actions for raspios-lite' }).click();
  await expect(page.getByRole('menuitem', { name: /Reset…/ })).toBeDisabled();
  await page.keyboard.press('Escape');
  await choose(page, 'Debian bookworm', /Reset….*frees 212 MiB/);
  const question = page.getByRole('dialog', { name: 'Reset Debian bookworm?' });
  await expect(question).toContainText('This frees 212 MiB.');
  await question.getByRole('button', { name: 'Reset' }).click();
  await expect(row(page, 'Debian bookworm')).toContainText('0 bytes stored');
});

test('an export is written to the chosen file, or downloaded where no file can be chosen', async ({
  page,
}) => {
  await page.addInitScript(() => {
    const written: number[] = [];
    const file = new WritableStream<Uint8Array>({ write: (part) => void written.push(part.byteLength) });
    const picked = { written, name: '' };
    Object.assign(globalThis, {
      picked,
      showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) => {
        picked.name = suggestedName;
        return { createWritable: async () => file };
      },
    });
  });
  await open(page, 'some');
  await choose(page, 'scratch', 'Export…');
  await page.getByRole('radio', { name: /qcow2/ }).check();
  await page.getByRole('button', { name: 'Export…' }).click();
  await expect(page.getByText('scratch is exported.').last()).toBeVisible();
  const picked = await page.evaluate(() => Reflect.get(globalThis, 'picked'));
  expect(picked).toEqual({ name: 'scratch.qcow2', written: Array(8).fill(2 ** 20) });

  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  await choose(page, 'scratch', 'Export…');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export…' }).click();
  expect((await download).suggestedFilename()).toBe('scratch.img.gz');
});

test('a disk boots as was chosen, is remembered, and the machine says that it is saved', async ({ page }) => {
  await open(page, 'some');
  await page.getByRole('button', { name: 'Boot scratch' }).click();
  const dialog = page.getByRole('dialog', { name: 'How does scratch boot?' });
  await expect(dialog.getByRole('radio', { name: /Disk guest/ })).toBeChecked();
  await dialog.getByLabel('The system is on').selectOption('/dev/vda1');
  await expect(dialog.getByLabel('Kernel command line')).toHaveValue('root=/dev/vda1 rw');
  await expectNoFindings(page);
  await dialog.getByRole('button', { name: 'Boot' }).click();
  await expect(page.locator('.xterm-rows')).toContainText('fake:~#');
  await page.keyboard.type('touch x\n');
  await expect(page.getByRole('button', { name: 'Disk, saving…' })).toBeVisible();
  await page.getByRole('button', { name: 'Disk, saved' }).click();
  const disks = page.getByRole('dialog', { name: 'Disks of this machine' });
  await expect(disks).toContainText('/dev/vda, what the guest writes is saved');
  await disks.getByRole('button', { name: 'All your disks…' }).click();
  await expect(page.getByRole('dialog', { name: 'Your disks' })).toContainText('raspios-lite');
  await expect(page.getByRole('button', { name: /^Boot/ })).toHaveCount(0);
  await expectNoFindings(page);
  await page.getByRole('dialog', { name: 'Your disks' }).getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Back to start' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('button', { name: /^scratch just now/ }).click();
  await expect(page.locator('.xterm-rows')).toContainText('fake:~#');
});

test('a guest with a disk is imported at its first boot', async ({ page }) => {
  await open(page, 'none');
  await page.getByRole('button', { name: 'Boot Disk guest' }).click();
  await expect(page.locator('.xterm-rows')).toContainText('fake:~#');
  await expect(page.getByRole('button', { name: 'Disk, saved' })).toBeVisible();
  await page.getByRole('button', { name: 'Back to start' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByText('In your disks: Disk guest')).toBeVisible();
  await page.getByRole('button', { name: 'Boot Disk guest' }).first().click();
  await expect(page.getByRole('button', { name: 'Disk, saved' })).toBeVisible();
});

test('a machine of one’s own takes several disks from the library', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, 'some');
  await choose(page, 'scratch', /Add to your own machine/);
  await page.getByRole('button', { name: 'Your disks', exact: true }).click();
  await expect(page.getByRole('menuitem', { name: /Debian, with gcc/ })).toBeDisabled();
  await page.getByRole('menuitem', { name: /raspios-lite/ }).click();
  await page.getByLabel('Changes on raspios-lite').selectOption('Drop changes at the end');
  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(new URL(link).search).toBe('?disk=library%3Ascratch&disk=library%3Api%2Csnapshot');
  await page.getByRole('button', { name: 'Boot this machine' }).click();
  await expect(page.getByRole('button', { name: '2 disks, 1 not saved' })).toBeVisible();
});

test('a full storage pauses the machine with a way to make room', async ({ page }) => {
  await open(page, 'some,full', 'disk-full');
  await page.getByRole('button', { name: 'Boot Test guest' }).click();
  const card = page.getByRole('alertdialog', { name: 'The browser’s storage is full.' });
  await expect(card).toContainText('Nothing is lost so far.');
  await expectNoFindings(page);
  await card.getByRole('button', { name: 'Make room…' }).click();
  await expect(page.getByRole('dialog', { name: 'Your disks' })).toContainText('Nearly full');
  await page.keyboard.press('Escape');
  await card.getByRole('button', { name: 'Resume' }).click();
  await expect(card).toHaveCount(0);
  await expect(page.getByText('Running', { exact: true })).toBeVisible();
});

test('what fails says why and what to do; the list stays', async ({ page }) => {
  await open(page, 'some,fail:quota');
  await choose(page, 'scratch', 'Delete…');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('alert')).toContainText('storage for this page is full');
  await expect(row(page, 'scratch')).toBeVisible();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.locator('input[data-role=disk-image]').setInputFiles(IMAGE);
  await expect(page.getByRole('alert')).toContainText('alpine was not imported.');
  await expectNoFindings(page);
});

test('without storage the page says so quietly, and dropped disks are used once', async ({ page }) => {
  await open(page, 'absent');
  await expect(page.getByText('This browser keeps nothing for this page')).toBeVisible();
  await expectNoFindings(page);
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['QFI\xfb'], 'd.qcow2'));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
  });
  await expect(page.getByRole('listitem').filter({ hasText: 'Disks' }).last()).toContainText('d.qcow2');
});

test('a storage thread that cannot start is told, and tried again', async ({ page }) => {
  await withCatalog(page);
  await page.route(STORAGE_THREAD, (route) => route.abort());
  await page.goto('./?fake=ready');
  await expect(page.getByRole('alert')).toContainText('keeps disks has stopped');
  await expectNoFindings(page);
  await page.unroute(STORAGE_THREAD);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('button', { name: 'New empty disk…' })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a dropped disk image is kept or used once, as the user says', async ({ page }) => {
  await open(page, 'none');
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(2000)], 'sd-card.img'));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
  });
  const dialog = page.getByRole('dialog', { name: 'Import sd-card.img?' });
  await expect(dialog).toContainText('Nothing leaves your computer.');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(row(page, 'sd-card')).toBeVisible();
});

test.describe('on a phone', () => {
  test.use({ viewport: PHONE, hasTouch: true });

  test('nothing is wider than the screen and axe finds nothing', async ({ page }) => {
    await open(page, 'some,cut-off');
    await expect(row(page, 'scratch')).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await expectNoFindings(page);
    await choose(page, 'raspios-lite', 'Export…');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  });
});
