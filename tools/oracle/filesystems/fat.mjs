/** FAT against mkfs.fat, fsck.fat and mtools: reading what they wrote, and they what Bramble wrote. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystemError } from '../../../src/emu/storage/filesystems/file-system-error.ts';
import { openVolume } from '../../../src/emu/storage/filesystems/open-volume.ts';
import { CrashingStore } from '../../../src/emu/storage/filesystems/testing/crashing-store.ts';
import {
  contentsLine,
  readTree,
  treeDifferences,
} from '../../../src/emu/storage/filesystems/testing/volume-tree.ts';
import { MemoryStore } from '../../../src/emu/storage/memory-store.ts';
import { hostTree, makeTree, randomName, run, writeSparse } from './host.mjs';

export const TOOLS = ['mkfs.fat', 'fsck.fat', 'mcopy', 'mdel', 'mmd', 'mdir'];

/** Options of mkfs.fat and the size in KiB. */
const FORMATS = [
  { options: ['-F', '12'], kibibytes: 1440 },
  { options: ['-F', '12', '-s', '1', '-f', '1'], kibibytes: 2000 },
  { options: ['-F', '16', '-s', '1'], kibibytes: 8000 },
  { options: ['-F', '16', '-s', '8', '-r', '128'], kibibytes: 60_000 },
  { options: ['-F', '16', '-S', '1024', '-s', '1'], kibibytes: 30_000 },
  { options: ['-F', '32', '-s', '1'], kibibytes: 40_000 },
  { options: ['-F', '32', '-s', '2', '-f', '1'], kibibytes: 70_000 },
  { options: ['-F', '32', '-S', '1024', '-s', '1'], kibibytes: 70_000 },
];

const CHANGES = 120;
const CHANGES_BETWEEN_CHECKS = 40;
const CRASHES_PER_CHANGE = 3;
const CHANGES_BETWEEN_CRASHES = 10;
/** What fsck.fat may say about a disk whose power failed, and about every disk: nothing about a file. */
const HARMLESS = [
  /unused cluster|[Ff]ree cluster summary/,
  /FATs differ|Using first FAT|differences between boot/,
  /[Oo]rphaned long file name|[Ll]ong filename fragment|start bit is missing|Not auto-correcting|Auto-/,
  /^fsck|^Leaving|files, \d|fat_length|suggested minimum|less than the required|may lead/,
  /^\s*$/,
];

function format(image, { options, kibibytes }) {
  rmSync(image, { force: true });
  run('mkfs.fat', ['-C', ...options, '-n', 'ORACLE', image, String(kibibytes)]);
}

function check(what, differences) {
  if (differences.length > 0) throw new Error(`${what}:\n  ${differences.slice(0, 20).join('\n  ')}`);
}

/** Copies trees in, deletes files between them so that later ones are in pieces, and compares. */
export async function readFat(folder, random, round) {
  const row = FORMATS[round % FORMATS.length];
  const image = join(folder, 'fat.img');
  format(image, row);
  const tree = join(folder, 'tree');
  const largestBytes = Math.min(row.kibibytes * 16, 2 ** 20);
  for (let part = 0; part < 2; part++) {
    const below = join(tree, `part ${part}`);
    mkdirSync(below, { recursive: true });
    makeTree(below, random, { files: row.kibibytes < 5000 ? 30 : 150, largestBytes });
    run('mcopy', ['-s', '-m', '-Q', '-i', image, below, '::/']);
    if (part === 0) deleteSome(image, below, random);
  }
  const volume = await openVolume(new MemoryStore(readFileSync(image)));
  check(`reading ${row.options.join(' ')}`, treeDifferences(hostTree(tree), await readTree(volume)));
  await checkFree(image, volume);
  return hostTree(tree).size;
}

function deleteSome(image, below, random) {
  for (const name of readdirSync(below)) {
    if (!statSync(join(below, name)).isFile() || random.below(2) === 0) continue;
    run('mdel', ['-i', image, `::/part 0/${name}`]);
    rmSync(join(below, name));
  }
}

async function checkFree(image, volume) {
  const said = /([\d \u00a0]+) bytes free/.exec(run('mdir', ['-i', image, '::/']).text)?.[1];
  const expected = Number(said?.replace(/\D/g, ''));
  const free = await volume.freeBytes();
  if (said && expected !== free) check('free bytes', [`${expected} expected, ${free} found`]);
}

/** Random changes by Bramble; fsck.fat and mtools look at the disk now and then. */
export async function writeFat(folder, random, round) {
  const row = FORMATS[round % FORMATS.length];
  const image = join(folder, 'fat.img');
  format(image, row);
  const store = new CrashingStore(readFileSync(image));
  const volume = await openVolume(store, { nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 6) });
  const model = { files: new Map(), directories: new Map([['', new Set()]]), full: 0 };
  for (let change = 1; change <= CHANGES; change++) {
    const from = store.length;
    await changeOnce(volume, model, random, row);
    if (change % CHANGES_BETWEEN_CHECKS === 0) compareWithTools(folder, store.contents, model, row);
    if (change % CHANGES_BETWEEN_CRASHES === 0) crashIn(folder, store, from, random, row);
  }
  return CHANGES;
}

async function changeOnce(volume, model, random, row) {
  const { files, directories } = model;
  const paths = [...files.keys()];
  const directory = random.pick([...directories.keys()]);
  const length = random.below(4) === 0 ? random.below(row.kibibytes * 100) : random.below(5000);
  const action = random.below(10);
  const attempt = async (work, note) => {
    try {
      await work();
      note();
    } catch (failure) {
      if (!(failure instanceof FileSystemError) || failure.kind !== 'no-space') throw failure;
      model.full++;
    }
  };
  if (action < 5) {
    const path = `${directory}/${randomName(random, directories.get(directory))}`;
    const contents = random.bytes(length);
    await attempt(
      () => volume.changes.write(path, contents),
      () => files.set(path, contents),
    );
  } else if (action < 7 && paths.length > 0) {
    const path = random.pick(paths);
    const contents = random.bytes(length);
    await attempt(
      () => volume.changes.write(path.toLowerCase(), contents),
      () => files.set(path, contents),
    );
  } else if (action < 9 && paths.length > 0) {
    const path = random.pick(paths);
    await volume.changes.remove(path);
    files.delete(path);
  } else {
    const path = `${directory}/${randomName(random, directories.get(directory))}`;
    await attempt(
      () => volume.changes.makeDirectory(path),
      () => directories.set(path, new Set()),
    );
  }
}

function modelTree({ files, directories }) {
  const tree = new Map([...files].map(([path, contents]) => [path, contentsLine(contents)]));
  for (const path of directories.keys()) if (path !== '') tree.set(path, 'directory');
  return tree;
}

function compareWithTools(folder, contents, model, row) {
  const image = join(folder, 'written.img');
  const out = join(folder, 'out');
  writeSparse(image, contents);
  run('fsck.fat', ['-n', image]);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  const tree = modelTree(model);
  if (tree.size > 0) run('mcopy', ['-s', '-n', '-Q', '-i', image, '::/*', out]);
  check(`mtools reading ${row.options.join(' ')}`, treeDifferences(tree, hostTree(out)));
}

/** fsck.fat finds nothing worse than lost clusters wherever the change is cut off. */
function crashIn(folder, store, from, random, row) {
  const image = join(folder, 'crashed.img');
  for (let crash = 0; crash < CRASHES_PER_CHANGE; crash++) {
    const cut = from + random.below(Math.max(1, store.length - from + 1));
    writeSparse(image, store.afterCrash(cut, random));
    const { text } = run('fsck.fat', ['-n', image], { statuses: [0, 1] });
    const harm = text.split('\n').filter((line) => !HARMLESS.some((pattern) => pattern.test(line)));
    check(`after a crash of ${row.options.join(' ')} at step ${cut}`, harm);
  }
}
