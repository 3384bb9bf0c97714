/** ext2, ext3 and ext4 against mke2fs, debugfs and e2fsck: trees they wrote, and journals they recover. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openVolume } from '../../../src/emu/storage/filesystems/open-volume.ts';
import { readTree, treeDifferences } from '../../../src/emu/storage/filesystems/testing/volume-tree.ts';
import { MemoryStore } from '../../../src/emu/storage/memory-store.ts';
import { dumpedTree, hostTree, inlineTree, makeTree, run } from './host.mjs';

export const TOOLS = ['mke2fs', 'debugfs', 'e2fsck', 'dumpe2fs'];

const FORMATS = [
  ['-t', 'ext4'],
  ['-t', 'ext4', '-b', '1024'],
  ['-t', 'ext4', '-b', '4096', '-I', '128'],
  ['-t', 'ext4', '-O', 'inline_data', '-b', '1024'],
  ['-t', 'ext4', '-O', 'inline_data', '-I', '1024'],
  ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg'],
  ['-t', 'ext4', '-O', '^64bit,^flex_bg,metadata_csum_seed'],
  ['-t', 'ext4', '-O', 'bigalloc,meta_bg,^resize_inode', '-b', '1024'],
  ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024'],
  ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode', '-b', '1024'],
  ['-t', 'ext4', '-O', 'large_dir,casefold,verity,quota'],
  ['-t', 'ext4', '-b', '65536', '-F', '-O', '^has_journal', '-N', '4096'],
  ['-t', 'ext2', '-b', '1024'],
  ['-t', 'ext2', '-b', '4096', '-r', '0'],
  ['-t', 'ext3', '-b', '2048'],
];

const SIZE = '64M';
/** For blocks of 64 KiB, of which each small file takes one. */
const LARGE_SIZE = '256M';
const LARGEST_BYTES = 2 ** 18;
/** e2fsck answers 1 when it has changed something. */
const REPAIRED = [0, 1];

function check(what, differences) {
  if (differences.length > 0) throw new Error(`${what}:\n  ${differences.slice(0, 20).join('\n  ')}`);
}

const openImage = (image) => openVolume(new MemoryStore(readFileSync(image)));

/** mke2fs takes a tree in; what is read must be the same tree. */
export async function readExt4(folder, random, round) {
  const options = FORMATS[round % FORMATS.length];
  const image = join(folder, 'ext4.img');
  const tree = join(folder, 'tree');
  makeTree(tree, random, { files: 120, largestBytes: LARGEST_BYTES, isPosix: true });
  const crowded = join(tree, 'crowded');
  mkdirSync(crowded);
  for (let index = 0; index < 1000; index++) writeFileSync(join(crowded, `entry ${index} of many`), '');
  const size = options.includes('65536') ? LARGE_SIZE : SIZE;
  run('mke2fs', ['-q', '-d', tree, '-L', 'ORACLE', ...options, image, size]);
  // Large directories get their index.
  run('e2fsck', ['-fyD', image], { statuses: REPAIRED });
  const volume = await openImage(image);
  const expected = options.includes('inline_data')
    ? inlineTree(folder, image)
    : hostTree(tree).set('/lost+found', 'directory');
  check(`reading mke2fs ${options.join(' ')}`, treeDifferences(expected, await readTree(volume)));
  const free = freeBytes(image);
  const found = await volume.freeBytes();
  if (free !== found) check('free bytes', [`${free} expected, ${found} found`]);
  return expected.size;
}

function freeBytes(image) {
  const { text } = run('dumpe2fs', ['-h', image]);
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  return field('Free blocks') * field('Block size');
}

const JOURNAL_FORMATS = [
  { options: ['-t', 'ext4', '-b', '1024'], open: 'jo -c -v 3' },
  { options: ['-t', 'ext4', '-b', '4096'], open: 'jo -c -v 2' },
  { options: ['-t', 'ext4', '-b', '1024', '-O', '^64bit'], open: 'jo' },
  { options: ['-t', 'ext4', '-b', '4096', '-O', '^metadata_csum'], open: 'jo' },
  { options: ['-t', 'ext3', '-b', '1024'], open: 'jo' },
  { options: ['-t', 'ext4', '-b', '1024', '-O', '^64bit'], open: 'jo -c -v 2' },
];
const FILES = 20;
/** So few that a block map has no block of pointers, which must not be overwritten. */
const FILE_BYTES = 12 * 1024;
/** The first bytes of a block of the journal itself: such a block of a file is stored in another form. */
const JOURNAL_MAGIC = [0xc0, 0x3b, 0x39, 0x98];

/** debugfs writes transactions into the journal; e2fsck recovers a copy; both must read the same. */
export async function recoverJournals(folder, random, round) {
  const { options, open } = JOURNAL_FORMATS[round % JOURNAL_FORMATS.length];
  const image = join(folder, 'journal.img');
  const tree = join(folder, 'tree');
  for (let index = 0; index < FILES; index++)
    writeFileSync(join(tree, `f${index}`), random.bytes(FILE_BYTES));
  run('mke2fs', ['-q', '-d', tree, ...options, '-J', 'size=4', image, '40M']);
  const blockBytes = Number(options[options.indexOf('-b') + 1]);
  const { script, blocks } = journalScript(folder, random, image, blockBytes, open);
  writeFileSync(join(folder, 'script'), script);
  run('debugfs', ['-w', '-f', join(folder, 'script'), image]);
  const copy = join(folder, 'recovered.img');
  copyFileSync(image, copy);
  run('e2fsck', ['-fy', copy], { statuses: REPAIRED });
  const volume = await openImage(image);
  const recovered = dumpedTree(folder, copy);
  const what = `a journal of mke2fs ${options.join(' ')}, ${open}`;
  if (volume.notes.length === 0) check(what, ['nothing was recovered']);
  check(what, treeDifferences(recovered, await readTree(volume)));
  if (treeDifferences(hostTree(tree), recovered).length === 0) check(what, ['nothing was changed']);
  return blocks;
}

function journalScript(folder, random, image, blockBytes, open) {
  const lists = run('debugfs', ['-f', '-', image], {
    input: Array.from({ length: FILES }, (_, index) => `blocks /f${index}\n`).join(''),
  }).text;
  const candidates = lists
    .split('\n')
    .flatMap((line) => (/^[\d ]+$/.test(line) ? line.trim().split(' ') : []));
  const lines = [];
  let blocks = 0;
  const transactions = 5 + random.below(20);
  for (let index = 0; index < transactions; index++) {
    const chosen = [...new Set(Array.from({ length: 1 + random.below(12) }, () => random.pick(candidates)))];
    const contents = random.bytes(chosen.length * blockBytes);
    for (let at = 0; at < chosen.length; at++)
      if (random.below(3) === 0) contents.set(JOURNAL_MAGIC, at * blockBytes);
    const file = join(folder, `blocks${index}`);
    writeFileSync(file, contents);
    // The last transaction is not committed, and must not count.
    const isCut = index === transactions - 1 ? '-c' : '';
    lines.push(`jw -b ${chosen.join(',')} ${isCut} ${file}`);
    // debugfs commits no transaction that has both blocks and revocations.
    if (random.below(3) === 0 && isCut === '') lines.push(`jw -r ${random.pick(candidates)}`);
    blocks += chosen.length;
  }
  return { script: `${[open, ...lines, 'jc'].join('\n')}\n`, blocks };
}
