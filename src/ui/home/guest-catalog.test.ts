import { describe, expect, it } from 'vitest';
import { defaultGuest, downloadBytes, loadCatalog, parseManifest } from './guest-catalog.ts';

const KERNEL = { role: 'kernel', path: 'a/Image', sizeBytes: 100, sha256: 'ab' };

function answering(body: string, init: ResponseInit): typeof fetch {
  return async () => new Response(body, init);
}

describe('loadCatalog', () => {
  it('reads guests when the manifest is there', async () => {
    const body = JSON.stringify({ guests: [{ name: 'a', files: [KERNEL] }] });
    const catalog = await loadCatalog(answering(body, { headers: { 'content-type': 'application/json' } }));
    expect(catalog.problem).toBeUndefined();
    expect(defaultGuest(catalog)?.files[0]?.url).toBe('images/a/Image');
  });

  it.each([
    ['the server says 404', answering('', { status: 404 })],
    [
      'the server answers with the page',
      answering('<!doctype html>', { headers: { 'content-type': 'text/html' } }),
    ],
    ['the manifest is not JSON', answering('{', { headers: { 'content-type': 'application/json' } })],
    ['the network fails', () => Promise.reject(new TypeError('offline'))],
  ])('is empty and says why when %s', async (_case, fetchFile) => {
    const catalog = await loadCatalog(fetchFile as typeof fetch);
    expect(catalog.guests).toEqual([]);
    expect(catalog.problem?.message).toMatch(/image/);
  });
});

describe('parseManifest', () => {
  it('leaves out guests that cannot boot and keeps the order of the rest', () => {
    const { guests } = parseManifest({
      guests: [
        {
          name: 'one',
          files: [KERNEL, { role: 'initrd', path: 'a/i', sizeBytes: 20, sha256: '' }, { role: 'x' }],
        },
        { name: 'no kernel', files: [] },
        'nonsense',
        { name: 'two', files: [KERNEL] },
      ],
    });
    expect(guests.map((guest) => guest.name)).toEqual(['one', 'two']);
    expect(downloadBytes(guests[0]!)).toBe(120);
  });

  it('tells of guests that have not been built, with the command that does', () => {
    const row = { title: 'Debian', description: 'a disk', command: 'npm run images debian' };
    expect(parseManifest({ guests: [], notBuilt: [row, { title: 'no command' }] }).notBuilt).toEqual([row]);
  });

  it('has a problem to tell when nothing is left', () => {
    expect(parseManifest(null).problem).toBeDefined();
    expect(parseManifest({ guests: {} }).problem).toBeDefined();
  });
});
