/**
 * Files inside a disk: the page's file browser over files in memory (`?fakeDisks=some`), by mouse and by
 * keyboard and with nothing that axe finds; and the real library over a FAT that mkfs.fat made.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import type { DiskLibrary } from '../src/embed/disk-library.ts';
import { readFixtures } from '../src/emu/storage/filesystems/testing/fixtures.ts';
import { openBlankPage } from './blank-page.ts';

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const DISK = 'Debian bookworm';

async function openFiles(page: Page): Promise<void> {
  await page.route('**/images/manifest.json', (route) => route.fulfill({ json: { guests: [] } }));
  await page.goto('./?fake=ready&fakeDisks=some');
  await page.getByRole('button', { name: `Actions for ${DISK}`, exact: true }).click();
  await page.getByRole('menuitem', { name: 'Files…' }).click();
  await expect(page.getByRole('heading', { name: `Files on ${DISK}` })).toBeVisible();
  await expect(page.getByRole('button', { name: 'config.txt', exact: true })).toBeVisible();
}

async function expectNoFindings(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(AXE_TAGS).analyze();
  const findings = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  expect(findings).toEqual([]);
}

test('config.txt is edited in place', async ({ page }) => {
  await openFiles(page);
  await page.getByRole('button', { name: 'config.txt', exact: true }).click();
  const text = page.getByRole('textbox', { name: 'Text of config.txt' });
  await expect(text).toHaveValue('arm_64bit=1\nenable_uart=1\n');
  await expectNoFindings(page);
  await text.fill('arm_64bit=0\n');
  await page.getByRole('button', { name: 'Save on the disk' }).click();
  await expect(page.getByText('config.txt is saved on the disk.')).toBeVisible();
  await page.getByRole('button', { name: 'config.txt', exact: true }).click();
  await expect(text).toHaveValue('arm_64bit=0\n');
});

test('one walks through folders and partitions, also by keyboard', async ({ page }) => {
  await openFiles(page);
  await page.getByRole('button', { name: 'overlays', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'disable-bt.dtbo', exact: true })).toBeVisible();
  await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'Top' }).click();
  await page.getByRole('button', { name: '2: rootfs' }).click();
  await expect(page.getByText('It was not unmounted')).toBeVisible();
  await expect(page.getByRole('button', { name: 'New folder…' })).toHaveCount(0);
  await expectNoFindings(page);
});

test('files come and go', async ({ page }) => {
  await openFiles(page);
  const file = { name: 'wifi.txt', mimeType: 'text/plain', buffer: Buffer.from('ssid=home\n') };
  await page.locator('input[data-role=file-to-add]').setInputFiles(file);
  await expect(page.getByRole('button', { name: 'wifi.txt', exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Actions for wifi.txt' }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByRole('button', { name: 'wifi.txt', exact: true })).toHaveCount(0);
});

test('the library reads and changes files of a FAT that lies in IndexedDB', async ({ page }) => {
  const fixture = readFixtures().find(({ name }) => name === 'fat16');
  const image = Buffer.from(fixture?.image ?? []).toString('base64');
  await openBlankPage(page);
  const result = await page.evaluate(async (encoded) => {
    const path = '/src/embed/index.ts';
    const { openDiskLibrary } = (await import(path)) as { openDiskLibrary(): Promise<DiskLibrary> };
    const library = await openDiskLibrary();
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const { id } = await library.import({ source: new Blob([bytes]), name: 'fat' });
    const files = library.files(id);
    const read = async () => new Response((await files.read({ path: '/config.txt' })).stream).text();
    const before = await read();
    await files.write({ path: '/config.txt' }, new TextEncoder().encode('changed\n'));
    await files.makeDirectory({ path: '/a new folder' });
    const names = (await files.list({ path: '/' })).map(({ name }) => name);
    const failure = await files
      .list({ path: '/nothing' })
      .catch((error) => `${error.kind}: ${error.message}`);
    return { before, after: await read(), names, failure };
  }, image);
  expect(result).toMatchObject({
    before: 'arm_64bit=1\nenable_uart=1\n',
    after: 'changed\n',
    failure: 'file-system: there is no /nothing.',
  });
  expect(result.names).toContain('a new folder');
});
