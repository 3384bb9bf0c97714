import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { guessRole } from './file-kind.ts';

function withBytes(length: number, offset: number, text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (const [index, character] of [...text].entries()) bytes[offset + index] = character.charCodeAt(0);
  return bytes;
}

function fileOf(bytes: Uint8Array<ArrayBuffer>, name: string): File {
  return new File([bytes], name);
}

const IMAGE = withBytes(200_000, 56, 'ARM\x64');
const CPIO = withBytes(4096, 0, '070701');

describe('guessRole', () => {
  it.each([
    ['an arm64 Image', IMAGE, 'kernel'],
    ['a cpio archive', CPIO, 'initrd'],
    ['a device tree', withBytes(64, 0, '\xd0\x0d\xfe\xed'), 'dtb'],
    ['a partitioned disk', withBytes(4096, 510, '\x55\xaa'), 'disk'],
    ['a file system without partitions', withBytes(4096, 1080, '\x53\xef'), 'disk'],
  ] as const)('knows %s by its content when the name says something else', async (_what, bytes, role) => {
    expect(await guessRole(fileOf(bytes, 'initrd-kernel.img'))).toBe(role);
  });

  it('looks into gzip, also when the file is longer than what is read', async () => {
    expect(await guessRole(fileOf(new Uint8Array(gzipSync(IMAGE)), 'a.gz'))).toBe('kernel');
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    const long = new Uint8Array(200_000);
    long.set(CPIO);
    for (const start of [5000, 75_000, 130_000]) long.set(noise.subarray(0, 60_000), start);
    expect(await guessRole(fileOf(new Uint8Array(gzipSync(long)), 'b'))).toBe('initrd');
  });

  it.each([
    ['vmlinuz-6.1.0-32-arm64', 'kernel'],
    ['initrd.img-6.1', 'initrd'],
    ['raspios.img.xz', 'disk'],
    ['something', 'disk'],
  ] as const)('goes by the name %s when the content is silent', async (name, role) => {
    expect(await guessRole(fileOf(new Uint8Array(8), name))).toBe(role);
  });

  it('survives a damaged gzip file', async () => {
    const damaged = new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await guessRole(fileOf(damaged, 'kernel.gz'))).toBe('kernel');
  });
});
