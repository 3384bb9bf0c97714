/** Images of every format, brought into the library in a real browser: its threads, its storage, its gzip. */

import { gunzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { fixtureDisk } from '../src/emu/storage/formats/testing/fixture-disk.ts';
import { readFixtures } from '../src/emu/storage/formats/testing/fixtures.ts';
import { openBlankPage } from './blank-page.ts';

test('every format gives the disk that it holds, and gives it out as gzip', async ({ page }) => {
  await openBlankPage(page);
  const files = readFixtures().map(({ name, file }) => ({
    name,
    base64: Buffer.from(file).toString('base64'),
  }));
  const found = await page.evaluate(async (images) => {
    const path = '/src/embed/index.ts';
    const library = (await import(path)) as typeof import('../src/embed/index.ts');
    const disks = await library.openDiskLibrary();
    const results: { name: string; format: string | undefined; gzip: string }[] = [];
    for (const { name, base64 } of images) {
      const source = await (await fetch(`data:application/octet-stream;base64,${base64}`)).blob();
      const { id, format } = await disks.import({ source, name });
      const { stream } = await disks.export(id, 'raw-gzip');
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      let binary = '';
      for (const byte of bytes) binary += String.fromCharCode(byte);
      results.push({ name, format, gzip: btoa(binary) });
      await disks.delete(id);
    }
    return results;
  }, files);
  const disk = fixtureDisk();
  for (const { name, gzip } of found) {
    const contents = gunzipSync(Buffer.from(gzip, 'base64'));
    expect([name, contents.length, contents.equals(disk)]).toEqual([name, disk.length, true]);
  }
  expect(found.map(({ format }) => format)).toContain('raw, xz-compressed');
  expect(found.length).toBe(files.length);
});
