/** The plugin in a build: what a page loads is what this process would generate. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { buildInterpreterImage } from '../emu/interpreter/interpreter-image.ts';
import { buildPage } from './chromium-host.ts';

it('gives a built page the images that the engine of the same build would generate', async () => {
  const items = await buildPage(fileURLToPath(new URL('.', import.meta.url)), '/chromium-page.html');
  const images = [...items].filter(([path]) => path.endsWith('.wasm'));
  expect(images.map(([path]) => /interpreter-[a-z]+/.exec(path)?.[0]).toSorted()).toEqual([
    'interpreter-shared',
    'interpreter-unshared',
  ]);
  for (const [path, item] of images) {
    const served = 'contents' in item ? item.contents : '';
    const expected = buildInterpreterImage(path.includes('interpreter-shared'), 'all');
    expect(Buffer.from(expected).equals(Buffer.from(served as Uint8Array))).toBe(true);
    const script = [...items].find(
      ([, text]) => 'contents' in text && String(text.contents).includes(path.split('/').at(-1) ?? path),
    );
    expect(script?.[0]).toMatch(/chromium-page-.*\.js$/);
  }
}, 60_000);
