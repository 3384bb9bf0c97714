/** Files that other programs made of random disks, read here: as streams, whole, and in random parts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeStream, isStreamFormat } from '../../../src/emu/storage/formats/decode-stream.ts';
import { identifySource, openImage } from '../../../src/emu/storage/formats/open-image.ts';
import { chunksOf, WatchedSource } from '../../../src/emu/storage/formats/testing/probe.ts';
import { shell } from './host.mjs';
import { makeDisk } from './random-disk.mjs';

export const TOOLS = ['gzip', 'xz', 'zstd', 'zip', 'qemu-img'];

const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const CHECKS = ['none', 'crc32', 'crc64', 'sha256'];
const CLUSTERS = [512, 1024, 4096, 65536, 1 << 20, 2 << 20];
const PARTS = 40;
const LARGEST_PART = 3 << 20;

/** Command lines that make `out` of `disk.img`. */
const RECIPES = [
  (random) => `gzip -${random.pick(LEVELS.slice(1))} <disk.img >out`,
  (random) => `xz -${random.pick(LEVELS)} --check=${random.pick(CHECKS)} <disk.img >out`,
  (random) =>
    `xz -T2 -${random.pick([0, 1, 3, 6])} --block-size=${1 + random.below(4_000_000)} <disk.img >out`,
  (random) =>
    `xz --lzma2=preset=1,lc=${random.below(3)},lp=${random.below(3)},pb=${random.below(5)} <disk.img >out`,
  (random) => `zstd -q -${1 + random.below(19)} ${random.pick(['--check', '--no-check'])} <disk.img >out`,
  (random) => `zstd -q --ultra -${random.pick([20, 22])} --long=${20 + random.below(8)} disk.img -o out`,
  (random) => `zstd -q --fast=${1 + random.below(20)} disk.img -o out`,
  (random) => `zip -q -${random.pick(LEVELS)} out.zip disk.img && mv out.zip out`,
  () => 'zip -q - disk.img | cat >out',
  (random) =>
    `qemu-img convert -O qcow2 -o compat=${random.pick(['0.10', '1.1'])},cluster_size=${random.pick(CLUSTERS)} disk.img out`,
  (random) => `qemu-img convert -c -O qcow2 -o cluster_size=${random.pick(CLUSTERS)} disk.img out`,
  (random) =>
    `qemu-img convert -c -O qcow2 -o compression_type=zstd,cluster_size=${random.pick(CLUSTERS)} disk.img out`,
  (random) =>
    `qemu-img convert -O qcow2 -o preallocation=${random.pick(['metadata', 'falloc', 'full'])} disk.img out`,
  () =>
    'qemu-img convert -O qcow2 disk.img out && qemu-img snapshot -c one out && qemu-io -c "write -P 0 0 512" out >/dev/null && qemu-io -c "read 0 512" -f qcow2 out >/dev/null && cp out disk.qcow2 && qemu-img convert -O raw disk.qcow2 disk.img',
  () => 'qemu-img convert -O vpc -o force_size=on disk.img out',
  () => 'qemu-img convert -O vpc -o subformat=fixed,force_size=on disk.img out',
];

export async function readImages(folder, random) {
  for (const recipe of RECIPES) {
    shell('rm -f *', folder);
    makeDisk(join(folder, 'disk.img'), random);
    const line = recipe(random);
    shell(line, folder);
    try {
      await compare(readFileSync(join(folder, 'out')), readFileSync(join(folder, 'disk.img')), random);
    } catch (failure) {
      throw new Error(`${line}: ${failure.message}`, { cause: failure });
    }
  }
  return RECIPES.length;
}

async function compare(file, disk, random) {
  const source = new WatchedSource(file);
  const { format } = await identifySource(source);
  if (isStreamFormat(format)) {
    const chunks = [];
    for await (const chunk of decodeStream(format, chunksOf(file, 1 + random.below(1 << 20))))
      chunks.push(chunk);
    expectEqual(Buffer.concat(chunks), disk, 'the stream');
    if (format !== 'xz') return;
  }
  const image = await openImage(source);
  const whole = new Uint8Array(image.size);
  await image.read(0, whole);
  expectEqual(whole, disk, 'the whole image');
  for (let part = 0; part < PARTS; part++) {
    const offset = random.below(image.size);
    const bytes = new Uint8Array(random.below(Math.min(LARGEST_PART, image.size - offset) + 1));
    await image.read(offset, bytes);
    expectEqual(bytes, disk.subarray(offset, offset + bytes.length), `part ${offset}`);
  }
  for await (const { offset, length } of image.ranges()) disk.fill(0, offset, offset + length);
  expectEqual(disk, new Uint8Array(disk.length), 'what is outside the ranges');
}

function expectEqual(found, wanted, what) {
  if (Buffer.compare(found, wanted) === 0) return;
  const at = found.findIndex((byte, index) => byte !== wanted[index]);
  throw new Error(`${what} differs at byte ${at}; ${found.length} and ${wanted.length} bytes`);
}
