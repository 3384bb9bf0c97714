/** Tools of the host and trees of files on it, for the comparisons of file systems. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { contentsLine } from '../../../src/emu/storage/filesystems/testing/volume-tree.ts';

const PATHS = ['/usr/sbin', '/sbin'];
const ZEROS = Buffer.alloc(2 ** 16);
const MOST_OUTPUT_BYTES = 2 ** 28;

const environment = {
  ...process.env,
  PATH: [process.env.PATH, ...PATHS].join(':'),
  LC_ALL: 'C.UTF-8',
  MTOOLS_SKIP_CHECK: '1',
  MTOOLSRC: '/dev/null',
};

/** Runs a tool; statuses other than the allowed ones end the comparison with what it said. */
export function run(tool, args, { input, statuses = [0] } = {}) {
  const result = spawnSync(tool, args, { input, env: environment, maxBuffer: MOST_OUTPUT_BYTES });
  if (result.error) throw result.error;
  if (!statuses.includes(result.status))
    throw new Error(`${tool} ${args.join(' ')}: status ${result.status}\n${result.stdout}${result.stderr}`);
  return { status: result.status, text: `${result.stdout}${result.stderr}`, stdout: result.stdout };
}

/** The names of those tools that are missing. */
export function missingTools(tools) {
  return tools.filter(
    (tool) => spawnSync(tool, ['--version'], { env: environment }).error?.code === 'ENOENT',
  );
}

const NAME_PARTS = [
  'a',
  'Long',
  'config',
  'README',
  'x y',
  'größe',
  '日本',
  'Ωmega',
  'v1.2',
  '(1)',
  '+plus',
  'x-',
  '_',
];
const EXTENSIONS = ['', '', '.txt', '.TXT', '.c', '.jpeg', '.tar.gz', '.é'];

/** A name that is valid on a FAT, and another one than those in `taken` whatever the case. */
export function randomName(random, taken) {
  for (;;) {
    const parts = Array.from({ length: 1 + random.below(random.below(8) === 0 ? 16 : 3) }, () =>
      random.pick(NAME_PARTS),
    );
    const name = parts.join('') + (random.below(3) === 0 ? random.below(100) : '') + random.pick(EXTENSIONS);
    const folded = name.toUpperCase();
    if (taken.has(folded)) continue;
    taken.add(folded);
    return name;
  }
}

/** Makes a tree below `folder`. With `isPosix` there are links, sparse files and names only a POSIX system has. */
export function makeTree(folder, random, { files, largestBytes, isPosix = false }) {
  const directories = [{ path: folder, taken: new Set() }];
  for (let index = 0; index < files; index++) {
    const directory = random.pick(directories);
    const name = randomName(random, directory.taken);
    const path = join(directory.path, name);
    const kind = random.below(isPosix ? 8 : 5);
    if (kind === 0 && path.length - folder.length < 180) {
      mkdirSync(path);
      directories.push({ path, taken: new Set() });
    } else if (kind === 6) symlinkSync('target/'.repeat(1 + random.below(30)), path);
    else if (kind === 7) makeSparse(path, random, largestBytes);
    else
      writeFileSync(
        path,
        random.bytes(random.below(4) === 0 ? random.below(largestBytes) : random.below(3000)),
      );
  }
}

/** Pieces of data between holes: on ext4 a tree of extents. */
function makeSparse(path, random, largestBytes) {
  const file = openSync(path, 'w');
  const pieces = random.below(500);
  let at = 0;
  for (let index = 0; index < pieces; index++) {
    at += 4096 * random.below(5);
    writeSync(file, random.bytes(1 + random.below(5000)), 0, undefined, at);
    at += 4096;
  }
  ftruncateSync(file, Math.max(at, random.below(largestBytes)));
  closeSync(file);
}

/** What is below `folder`, in the lines of volume-tree.ts. */
export function hostTree(folder) {
  const tree = new Map();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    tree.set(`/${path}`, lineOf(join(folder, path)));
  return tree;
}

function lineOf(path) {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return `symlink ${readlinkSync(path)}`;
  if (status.isDirectory()) return 'directory';
  return contentsLine(readFileSync(path));
}

/** Writes an image of which most is zeros. */
export function writeSparse(path, contents) {
  const piece = 2 ** 16;
  const file = openSync(path, 'w');
  for (let at = 0; at < contents.length; at += piece) {
    const part = contents.subarray(at, at + piece);
    if (!ZEROS.subarray(0, part.length).equals(part)) writeSync(file, part, 0, part.length, at);
  }
  ftruncateSync(file, contents.length);
  closeSync(file);
}

/** What debugfs reads from an ext4 image. */
export function dumpedTree(folder, image) {
  const out = join(folder, 'out');
  mkdirSync(out);
  run('debugfs', ['-R', `rdump / ${out}`, image]);
  return hostTree(out);
}

/**
 * What an image with inline_data holds: mke2fs leaves the hole at the end of a file out, so debugfs knows it,
 * not the host; but of a file inside an inode debugfs gives all 60 bytes, and the host knows it.
 */
export function inlineTree(folder, image) {
  const host = hostTree(join(folder, 'tree'));
  const dumped = dumpedTree(folder, image);
  for (const [path, line] of dumped) if (line.startsWith('file 60 ')) dumped.set(path, host.get(path));
  return dumped;
}
