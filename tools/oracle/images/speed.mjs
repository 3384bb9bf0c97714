/**
 * How fast each format is decoded, beside the program that it belongs to, on one file with a bit of everything.
 * Processor time counts, because it hardly depends on what else the computer does.
 */
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeStream, isStreamFormat } from '../../../src/emu/storage/formats/decode-stream.ts';
import { identifySource, openImage } from '../../../src/emu/storage/formats/open-image.ts';
import { streamOf } from '../../../src/emu/storage/formats/random-access.ts';
import { readPieces } from '../../../src/emu/storage/formats/raw-stream.ts';
import { shell } from './host.mjs';

export const TOOLS = ['tar', 'gzip', 'xz', 'zstd', 'zip', 'unzip', 'qemu-img'];

const DISK_MIB = 64;
const BYTES_PER_MB = 1e6;
const MICROSECONDS_PER_SECOND = 1e6;
const ROUNDS = 3;

const CASES = [
  { name: 'gzip -6', make: 'gzip -6 <disk.img >out', decode: 'gzip -dc <out' },
  {
    name: 'xz -6, blocks of 4 MiB',
    make: 'xz -6 -T2 --block-size=4MiB <disk.img >out',
    decode: 'xz -dc -T1 <out',
  },
  { name: 'zstd -3', make: 'zstd -q -3 <disk.img >out', decode: 'zstd -dcq <out' },
  { name: 'zstd -19', make: 'zstd -q -19 -T2 <disk.img >out', decode: 'zstd -dcq <out' },
  { name: 'zip -6', make: 'zip -q -6 out.zip disk.img && mv out.zip out', decode: 'unzip -p out' },
  {
    name: 'qcow2',
    make: 'qemu-img convert -O qcow2 disk.img out',
    decode: 'qemu-img convert -O raw out raw',
  },
  {
    name: 'qcow2, zlib',
    make: 'qemu-img convert -c -O qcow2 disk.img out',
    decode: 'qemu-img convert -m 1 -O raw out raw',
  },
  {
    name: 'qcow2, zstd',
    make: 'qemu-img convert -c -O qcow2 -o compression_type=zstd disk.img out',
    decode: 'qemu-img convert -m 1 -O raw out raw',
  },
  {
    name: 'VHD dynamic',
    make: 'qemu-img convert -O vpc disk.img out',
    decode: 'qemu-img convert -O raw out raw',
  },
];

export async function measureSpeed() {
  const folder = mkdtempSync(join(tmpdir(), 'bramble-images-'));
  try {
    // Programs, libraries and texts of this computer, as they are on a guest's disk.
    shell(`tar cf - -C / usr/bin usr/lib usr/share/doc 2>/dev/null | head -c ${DISK_MIB}M >disk.img`, folder);
    const bytes = DISK_MIB * 2 ** 20;
    for (const { name, make, decode } of CASES) {
      shell(make, folder);
      const ours = [];
      const theirs = [];
      for (let round = 0; round < ROUNDS; round++) {
        const before = process.cpuUsage();
        await readAll(join(folder, 'out'));
        const { user, system } = process.cpuUsage(before);
        ours.push((user + system) / MICROSECONDS_PER_SECOND);
        theirs.push(secondsOf(shell(`${decode} >/dev/null; times`, folder)));
      }
      const rate = (seconds) => (bytes / BYTES_PER_MB / Math.min(...seconds)).toFixed(0);
      console.log(`${name}: ${rate(ours)} MB/s here, ${rate(theirs)} by ${decode.split(' ')[0]}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** User and system time of the shell's children, from what its `times` prints: `0m1.234s 0m0.100s`. */
function secondsOf(times) {
  const [, children = ''] = times.trim().split('\n').slice(-2);
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * minutes + Number(seconds), 0);
}

async function readAll(path) {
  const file = openSync(path, 'r');
  try {
    const source = {
      size: fstatSync(file).size,
      read: (offset, target) => void readSync(file, target, 0, target.length, offset),
    };
    const { format } = await identifySource(source);
    const pieces = isStreamFormat(format)
      ? decodeStream(format, streamOf(source))
      : readPieces(await openImage(source));
    for await (const piece of pieces) void piece;
  } finally {
    closeSync(file);
  }
}
