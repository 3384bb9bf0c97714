/** All that a volume holds, in a form that tests compare: a line for each path. */
import { createHash } from 'node:crypto';
import type { FileStatus, Volume } from '../volume.ts';

/** Path to text: kind, size and the start of a SHA-256 of a file, target of a link. */
export type Tree = ReadonlyMap<string, string>;

/** Enough to tell files of a test apart, and short enough to be recorded. */
const DIGEST_DIGITS = 16;

export function contentsLine(contents: Uint8Array): string {
  return fileLine(contents.length, createHash('sha256').update(contents).digest('hex'));
}

function fileLine(sizeBytes: number, sha256: string): string {
  return `file ${sizeBytes} ${sha256.slice(0, DIGEST_DIGITS)}`;
}

export async function readTree(volume: Volume): Promise<Tree> {
  const tree = new Map<string, string>();
  const visit = async (directory: string): Promise<void> => {
    for (const { name, ...status } of await volume.list(directory)) {
      const path = `${directory === '/' ? '' : directory}/${name}`;
      tree.set(path, await lineOf(volume, path, status));
      if (status.kind === 'directory') await visit(path);
    }
  };
  await visit('/');
  return tree;
}

async function lineOf(volume: Volume, path: string, status: FileStatus): Promise<string> {
  if (status.kind === 'symlink') return `symlink ${status.target}`;
  if (status.kind !== 'file') return status.kind;
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of volume.read(path)) {
    hash.update(piece);
    length += piece.length;
  }
  if (length !== status.sizeBytes)
    throw new Error(`${path}: ${length} bytes were read of ${status.sizeBytes}`);
  return fileLine(length, hash.digest('hex'));
}

/** What differs, a line each; nothing when the trees are equal. */
export function treeDifferences(expected: Tree, actual: Tree): string[] {
  const paths = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  return paths
    .filter((path) => expected.get(path) !== actual.get(path))
    .map(
      (path) => `${path}: ${expected.get(path) ?? 'absent'} expected, ${actual.get(path) ?? 'absent'} found`,
    );
}
