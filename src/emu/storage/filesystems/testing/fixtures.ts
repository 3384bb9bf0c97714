/**
 * Images that the usual tools made, recorded so that tests need none of them. `npm run oracle:filesystems --
 * --record` makes them again. An image is kept as the sectors that are not empty, deflated.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Tree } from './volume-tree.ts';

const SECTOR_BYTES = 512;
const file = new URL('images.vectors.json', import.meta.url);

interface PackedImage {
  readonly sectors: number;
  /** Runs of sectors that have contents: first sector and count, in turn. */
  readonly runs: readonly number[];
  /** Their contents: base64 of raw deflate. */
  readonly data: string;
}

export interface Fixture {
  readonly name: string;
  readonly image: Uint8Array;
  /** Offsets of the sectors that are not empty. */
  readonly places: readonly number[];
  /** What the tools say is in it. */
  readonly tree: Tree;
}

const deflate = (bytes: Uint8Array): string => deflateRawSync(bytes, { level: 9 }).toString('base64');
const inflate = (text: string): Buffer => inflateRawSync(Buffer.from(text, 'base64'));

function packImage(image: Uint8Array): PackedImage {
  const runs: number[] = [];
  const parts: Uint8Array[] = [];
  let next = -1;
  for (let sector = 0; sector * SECTOR_BYTES < image.length; sector++) {
    const bytes = image.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    if (bytes.every((byte) => byte === 0)) continue;
    if (sector === next) runs.push((runs.pop() ?? 0) + 1);
    else runs.push(sector, 1);
    next = sector + 1;
    parts.push(bytes);
  }
  return { sectors: image.length / SECTOR_BYTES, runs, data: deflate(Buffer.concat(parts)) };
}

function unpackImage({ sectors, runs, data }: PackedImage): Uint8Array {
  const image = new Uint8Array(sectors * SECTOR_BYTES);
  const contents = inflate(data);
  let at = 0;
  for (let index = 0; index < runs.length; index += 2) {
    const [first = 0, count = 0] = runs.slice(index, index + 2);
    image.set(contents.subarray(at, at + count * SECTOR_BYTES), first * SECTOR_BYTES);
    at += count * SECTOR_BYTES;
  }
  return image;
}

function placesOf({ runs }: PackedImage): number[] {
  const places: number[] = [];
  for (let index = 0; index < runs.length; index += 2) {
    const [first = 0, count = 0] = runs.slice(index, index + 2);
    for (let sector = first; sector < first + count; sector++) places.push(sector * SECTOR_BYTES);
  }
  return places;
}

interface Row extends PackedImage {
  readonly name: string;
  /** Base64 of the raw deflate of its lines, paths and what is there in turn. */
  readonly tree: string;
}

export function packFixture(name: string, image: Uint8Array, tree: Tree): Row {
  return { name, ...packImage(image), tree: deflate(Buffer.from([...tree].flat().join('\n'))) };
}

function unpackTree(packed: string): Tree {
  const lines = inflate(packed).toString().split('\n');
  const tree = new Map<string, string>();
  for (let index = 0; index + 1 < lines.length; index += 2)
    tree.set(lines[index] ?? '', lines[index + 1] ?? '');
  return tree;
}

export function readFixtures(): readonly Fixture[] {
  const rows: readonly Row[] = JSON.parse(readFileSync(file, 'utf8'));
  return rows.map((row) => ({
    name: row.name,
    image: unpackImage(row),
    places: placesOf(row),
    tree: unpackTree(row.tree),
  }));
}

/** @returns the length of the file */
export function writeFixtures(rows: readonly Row[]): number {
  const text = `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
  writeFileSync(file, text);
  return text.length;
}
