/**
 * Makes the images of the unit tests: small ones by the usual tools, with a line for each file in them as the
 * host sees it, packed into testing/images.vectors.json.
 */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packFixture, writeFixtures } from '../../../src/emu/storage/filesystems/testing/fixtures.ts';
import { dumpedTree, hostTree, inlineTree, run } from './host.mjs';

export const TOOLS = ['mkfs.fat', 'mcopy', 'mdel', 'mke2fs', 'debugfs', 'e2fsck', 'sfdisk', 'sgdisk'];

const MODIFIED = new Date('2026-01-02T03:04:06Z');

/** Lines that compress well, and still differ from one sector to the next. */
const lines = (text, count) =>
  Array.from({ length: count }, (_, index) => `${text} ${index >> 5}\n`).join('');

const COMMON_FILES = {
  'config.txt': 'arm_64bit=1\nenable_uart=1\n',
  'cmdline.txt': 'console=ttyAMA0 root=/dev/vda2\n',
  'overlays/disable-bt.dtbo': lines('overlay', 300),
  'A long name, with spaces and ünïcode 日本.txt': 'long\n',
  'deep/er/and/deep/er/still/file.bin': lines('deep', 10),
  empty: '',
};

function addFile(folder, name, contents) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
  utimesSync(path, MODIFIED, MODIFIED);
}

function makeFiles(folder, files) {
  for (const [name, contents] of Object.entries(files)) addFile(folder, name, contents);
}

function fatFixture(name, options, kibibytes) {
  return {
    name,
    make(folder, image) {
      const tree = join(folder, 'tree');
      makeFiles(tree, {
        ...COMMON_FILES,
        'first.bin': lines('first', 400),
        'third.bin': lines('third', 200),
      });
      run('mkfs.fat', ['-C', ...options, '-n', 'FIXTURE', '-i', '12345678', image, String(kibibytes)]);
      run('mcopy', [
        '-s',
        '-m',
        '-i',
        image,
        ...Object.keys(hostTop(tree)).map((entry) => join(tree, entry)),
        '::/',
      ]);
      // What comes in place of a file that is gone and more lies in pieces.
      run('mdel', ['-i', image, '::/first.bin']);
      rmSync(join(tree, 'first.bin'));
      addFile(tree, 'pieces.bin', lines('piece', 1500));
      run('mcopy', ['-m', '-i', image, join(tree, 'pieces.bin'), '::/']);
      return hostTree(tree);
    },
  };
}

function hostTop(tree) {
  return Object.fromEntries([...hostTree(tree).keys()].map((path) => [path.split('/')[1], true]));
}

function makePosixTree(tree) {
  makeFiles(tree, COMMON_FILES);
  symlinkSync('config.txt', join(tree, 'short-link'));
  symlinkSync(`${'../'.repeat(30)}etc/hostname`, join(tree, 'long-link'));
  mkdirSync(join(tree, 'crowded'));
  for (let index = 0; index < 80; index++) writeFileSync(join(tree, 'crowded', `entry ${index}`), '');
  const sparse = openSync(join(tree, 'sparse'), 'w');
  // On a block map these lie behind one, two and three levels of pointers; as extents they need a tree.
  for (const at of [0, 5, 7, 9, 11, 13, 200, 400, 70_000]) writeSync(sparse, `block ${at}\n`, at * 1024);
  closeSync(sparse);
  truncateSync(join(tree, 'sparse'), 70_010 * 1024);
}

function ext4Fixture(name, options, kibibytes, afterwards) {
  return {
    name,
    make(folder, image) {
      const tree = join(folder, 'tree');
      mkdirSync(tree);
      makePosixTree(tree);
      run('mke2fs', [
        '-q',
        '-d',
        tree,
        '-L',
        'fixture',
        '-N',
        '128',
        '-m',
        '0',
        ...options,
        image,
        `${kibibytes}k`,
      ]);
      run('e2fsck', ['-fyD', image], { statuses: [0, 1] });
      return afterwards?.(folder, image) ?? hostTree(tree).set('/lost+found', 'directory');
    },
  };
}

/** Leaves the file system with transactions in its journal that change two files. */
function leaveJournal(folder, image) {
  const list = run('debugfs', ['-R', 'blocks /overlays/disable-bt.dtbo', image]).text;
  const [first, second] = list
    .split('\n')
    .find((line) => /^[\d ]+$/.test(line))
    .split(' ');
  const block = (text) => text.padEnd(1024, text);
  const magic = String.fromCharCode(0xc0, 0x3b, 0x39, 0x98);
  writeFileSync(
    join(folder, 'one'),
    Buffer.from(block('changed by the first transaction ') + block('revoked '), 'latin1'),
  );
  writeFileSync(join(folder, 'two'), Buffer.from(block(`${magic} changed by the second `), 'latin1'));
  writeFileSync(join(folder, 'three'), block('not committed '));
  const script = [
    'jo -c -v 3',
    `jw -b ${first},${second} ${join(folder, 'one')}`,
    `jw -b ${first} ${join(folder, 'two')}`,
    `jw -r ${second}`,
    `jw -c -b ${first} ${join(folder, 'three')}`,
    'jc',
    '',
  ];
  writeFileSync(join(folder, 'script'), script.join('\n'));
  run('debugfs', ['-w', '-f', join(folder, 'script'), image]);
  const copy = join(folder, 'recovered.img');
  copyFileSync(image, copy);
  run('e2fsck', ['-fy', copy], { statuses: [0, 1] });
  return dumpedTree(folder, copy);
}

function tableFixture(name, make) {
  return { name, make: (_folder, image) => make(image) ?? new Map() };
}

const DISK_BYTES = 8 * 2 ** 20;

function makeMbr(image) {
  writeFileSync(image, '');
  truncateSync(image, DISK_BYTES);
  const input =
    'label: dos\nlabel-id: 0x12345678\nstart=2048,size=4096,type=c,bootable\nstart=6200,size=8000,type=5\nstart=6300,size=1000,type=83\nstart=8000,size=2000,type=82\n';
  run('sfdisk', ['-q', image], { input });
}

function makeGpt(image) {
  writeFileSync(image, '');
  truncateSync(image, DISK_BYTES);
  const guid = '12345678-1234-1234-1234-123456789abc';
  run('sgdisk', [
    '-U',
    guid,
    '-n',
    '1:2048:6143',
    '-t',
    '1:ef00',
    '-c',
    '1:boot',
    '-u',
    `1:${guid}`,
    '-n',
    '3:8192:0',
    '-t',
    '3:8300',
    '-c',
    '3:root größe',
    '-u',
    `3:${guid}`,
    image,
  ]);
}

const FIXTURES = [
  fatFixture('fat12', ['-F', '12', '-s', '1', '-r', '32'], 200),
  fatFixture('fat16', ['-F', '16', '-s', '1', '-r', '32'], 2200),
  fatFixture('fat32', ['-F', '32', '-s', '1'], 34_000),
  ext4Fixture('ext2', ['-t', 'ext2', '-b', '1024', '-O', '^resize_inode'], 400),
  ext4Fixture('ext4', ['-t', 'ext4', '-b', '1024', '-O', '^resize_inode,^has_journal'], 400),
  ext4Fixture(
    'ext4-inline',
    ['-t', 'ext4', '-b', '1024', '-O', 'inline_data,^resize_inode,^has_journal,^metadata_csum'],
    400,
    inlineTree,
  ),
  ext4Fixture(
    'ext4-journal',
    ['-t', 'ext4', '-b', '1024', '-O', '^resize_inode', '-J', 'size=1'],
    2600,
    leaveJournal,
  ),
  tableFixture('mbr', makeMbr),
  tableFixture('gpt', makeGpt),
];

export async function recordFixtures() {
  const records = [];
  for (const { name, make } of FIXTURES) {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-fixture-'));
    try {
      const image = join(folder, 'image');
      const tree = make(folder, image);
      records.push(packFixture(name, readFileSync(image), tree));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  console.log(`${records.length} images in ${writeFixtures(records)} bytes`);
}
