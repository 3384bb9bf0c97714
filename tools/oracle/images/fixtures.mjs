/** Records the images of the unit tests: the one disk of fixture-disk.ts in every format. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { fixtureDisk } from '../../../src/emu/storage/formats/testing/fixture-disk.ts';
import { FIXTURE_FILE } from '../../../src/emu/storage/formats/testing/fixtures.ts';
import { shell } from './host.mjs';

export const TOOLS = ['gzip', 'xz', 'zstd', 'zip', 'qemu-img'];

const QCOW2 = 'qemu-img convert -f raw -O qcow2';

/** Each makes `out` from `disk.img` and its halves `first` and `second`. */
const RECIPES = [
  { name: 'gzip', recipe: 'gzip -9 <disk.img >out' },
  {
    name: 'gzip, two members, name, padding',
    recipe: '(gzip -N first; gzip -1n second; cat first.gz second.gz; head -c 512 /dev/zero) >out',
  },
  { name: 'xz, blocks', recipe: 'xz -T2 --block-size=48KiB --check=sha256 <disk.img >out' },
  { name: 'xz, one block', recipe: 'xz -6 --check=crc32 <disk.img >out' },
  {
    name: 'xz, two streams, padding',
    recipe: '(xz -0 --check=none <first; head -c 8 /dev/zero; xz -9e --lzma2=lc=0,lp=2,pb=0 <second) >out',
  },
  { name: 'zstd', recipe: 'zstd -q -19 --check <disk.img >out' },
  {
    name: 'zstd, two frames',
    recipe: '(zstd -q -1 --no-check <first; zstd -q -3 --long=20 --check <second) >out',
  },
  {
    name: 'zip',
    recipe:
      'mkdir folder && mv disk.img folder/disk.img && echo text >folder/README.txt && zip -q -9 -r out.zip folder && mv out.zip out',
  },
  { name: 'zip, stored', recipe: 'zip -q -0 out.zip disk.img && mv out.zip out' },
  { name: 'zip, descriptor', recipe: 'zip -q -9 - disk.img | cat >out' },
  { name: 'qcow2 version 2', recipe: `${QCOW2} -o compat=0.10,cluster_size=4096 disk.img out` },
  { name: 'qcow2 version 3', recipe: `${QCOW2} -o compat=1.1,cluster_size=512 disk.img out` },
  { name: 'qcow2 zlib', recipe: `${QCOW2} -c -o cluster_size=65536 disk.img out` },
  { name: 'qcow2 zstd', recipe: `${QCOW2} -c -o cluster_size=16384,compression_type=zstd disk.img out` },
  { name: 'VHD dynamic', recipe: 'qemu-img convert -f raw -O vpc -o force_size=on disk.img out' },
  {
    name: 'VHD fixed',
    recipe: 'qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on disk.img out',
  },
];

export function recordFixtures() {
  const recorded = RECIPES.map(({ name, recipe }) => {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-images-'));
    try {
      const disk = fixtureDisk();
      writeFileSync(join(folder, 'disk.img'), disk);
      writeFileSync(join(folder, 'first'), disk.subarray(0, 100_000));
      writeFileSync(join(folder, 'second'), disk.subarray(100_000));
      shell(recipe, folder);
      const file = readFileSync(join(folder, 'out'));
      return { name, recipe, data: deflateRawSync(file, { level: 9 }).toString('base64') };
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  writeFileSync(FIXTURE_FILE, `${JSON.stringify(recorded, undefined, 1)}\n`);
  console.log(`recorded ${recorded.length} images`);
}
