/**
 * A crash that leaves a part of a record at the end of the log of Chromium's database, which the browser itself does
 * not survive (src/workers/log-renewal.ts): the library is still there, at every later opening.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, expect, type Page, test } from '@playwright/test';
import { openBlankPage } from './blank-page.ts';

/** LevelDB's log format: a sum, the length (200) and the kind of a record, of which 20 bytes were written. */
const TORN_RECORD = Uint8Array.from([1, 2, 3, 4, 200, 0, 1, ...Array<number>(20).fill(7)]);
const SIZE_BYTES = 1 << 20;

/** Names of the disks, after one more was made, in a thread that ends. */
function addDisk(page: Page, name: string): Promise<string[]> {
  return page.evaluate(
    async ([text, sizeBytes]) => {
      const path = '/src/embed/index.ts';
      const { openDiskLibrary } = (await import(path)) as typeof import('../src/embed/index.ts');
      const disks = await openDiskLibrary();
      await disks.createEmpty({ name: text, sizeBytes });
      return (await disks.list()).map((disk) => disk.name);
    },
    [name, SIZE_BYTES] as const,
  );
}

function databaseOf(profile: string): string {
  const databases = join(profile, 'Default', 'IndexedDB');
  const [folder] = readdirSync(databases).filter((name) => name.endsWith('.leveldb'));
  return join(databases, folder!);
}

const logsOf = (database: string): string[] =>
  readdirSync(database)
    .filter((name) => name.endsWith('.log'))
    .sort();

test('keeps the library when a crash has torn the log of the database', async ({
  launchOptions,
  baseURL,
}, info) => {
  const profile = info.outputPath('profile');
  const inBrowser = async (work: (page: Page) => Promise<void>): Promise<void> => {
    const context = await chromium.launchPersistentContext(profile, {
      ...launchOptions,
      ...(baseURL !== undefined && { baseURL }),
    });
    const page = await context.newPage();
    await openBlankPage(page);
    await work(page);
    await context.close();
  };
  await inBrowser(async (page) => expect(await addDisk(page, 'first')).toEqual(['first']));
  const database = databaseOf(profile);
  const torn = logsOf(database).at(-1)!;
  appendFileSync(join(database, torn), TORN_RECORD);
  await inBrowser(async (page) => {
    expect(await addDisk(page, 'second')).toEqual(['first', 'second']);
    await expect.poll(() => logsOf(database)).not.toContain(torn);
  });
  await inBrowser(async (page) => expect(await addDisk(page, 'third')).toEqual(['first', 'second', 'third']));
});
