/**
 * Two tabs of a page that came over plain HTTP from another computer: the browser gives it no Web Locks, and the
 * storage thread’s leases keep the tabs apart.
 */
import { expect, type Page, test } from '@playwright/test';
import type { DiskLibrary } from '../src/embed/disk-library.ts';
import type { MachineStorage } from '../src/embed/machine-storage.ts';

/** An address for documentation (RFC 5737), led to this computer: loopback addresses count as secure. */
const FOREIGN = '192.0.2.1';
const SIZE_BYTES = 1 << 20;
/** A tab that ended without a word leaves its lease for some seconds. */
const TAKEOVER_MS = 30_000;

test.use({
  launchOptions: [
    async ({ launchOptions }, use) => {
      const args = [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${FOREIGN} 127.0.0.1`];
      await use({ ...launchOptions, args });
    },
    { scope: 'worker' },
  ],
});

interface Tab {
  readonly disks: DiskLibrary;
  readonly storage: MachineStorage;
}

declare global {
  interface Window {
    tab: Tab;
  }
}

async function openTab(page: Page, baseURL: string | undefined): Promise<void> {
  // A module, shown as text: a page that a test makes up could not reach this computer (Local Network Access).
  const address = new URL('./src/embed/index.ts', baseURL);
  address.hostname = FOREIGN;
  await page.goto(address.href);
  await page.evaluate(async () => {
    const folder = '/src/embed/';
    const { openDiskLibrary } = (await import(`${folder}index.ts`)) as typeof import('../src/embed/index.ts');
    const { openStorageThread } = (await import(
      `${folder}storage-thread.ts`
    )) as typeof import('../src/embed/storage-thread.ts');
    const { MachineStorage } = (await import(
      `${folder}machine-storage.ts`
    )) as typeof import('../src/embed/machine-storage.ts');
    window.tab = { disks: await openDiskLibrary(), storage: new MachineStorage(openStorageThread) };
  });
}

/** What a machine’s start would say; undefined when it has the disk. */
function take(page: Page, id: string): Promise<string | undefined> {
  return page.evaluate(
    (disk) =>
      window.tab.storage.open(disk, 'write').then(
        () => undefined,
        (failure: Error) => failure.message,
      ),
    id,
  );
}

const useOf = (page: Page): Promise<string | undefined> =>
  page.evaluate(async () => (await window.tab.disks.list())[0]?.inUse);

test('a disk that one tab writes is refused to another, until that tab lets go or ends', async ({
  page,
  context,
  baseURL,
}) => {
  await openTab(page, baseURL);
  expect(await page.evaluate(() => [isSecureContext, 'locks' in navigator])).toEqual([false, false]);
  const second = await context.newPage();
  await openTab(second, baseURL);
  const id = await page.evaluate(
    async (sizeBytes) => (await window.tab.disks.createEmpty({ name: 'shared', sizeBytes })).id,
    SIZE_BYTES,
  );

  expect(await take(page, id)).toBeUndefined();
  expect(await take(second, id)).toContain('shared is in use by a machine, here or in another tab');
  expect([await useOf(page), await useOf(second)]).toEqual(['this-tab', 'other-tab']);

  await page.evaluate(() => window.tab.storage.close());
  expect(await take(second, id)).toBeUndefined();
  expect([await useOf(page), await useOf(second)]).toEqual(['other-tab', 'this-tab']);

  // Closed without a word.
  await second.close();
  await openTab(page, baseURL);
  await expect.poll(() => take(page, id), { timeout: TAKEOVER_MS }).toBeUndefined();
});

test('a machine whose disk was taken over while its tab stood still is told', async ({
  page,
  context,
  baseURL,
}) => {
  await openTab(page, baseURL);
  const id = await page.evaluate(
    async (sizeBytes) => (await window.tab.disks.createEmpty({ name: 'slept over', sizeBytes })).id,
    SIZE_BYTES,
  );
  expect(await take(page, id)).toBeUndefined();
  const lost = page.evaluate(
    () => new Promise<string>((resolve) => Object.assign(window.tab.storage, { onLoss: resolve })),
  );
  // As if the lease had run out: a tab cannot be made to stand still from here.
  await page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('bramble-disks');
      request.onsuccess = () => resolve(request.result);
    });
    const transaction = database.transaction('records', 'readwrite');
    transaction.objectStore('records').put([], ['leases']);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  });
  const second = await context.newPage();
  await openTab(second, baseURL);
  expect(await take(second, id)).toBeUndefined();
  expect(await lost).toBe('slept over');
});
