/** What the page says about disks: problems and what to do about them, origins, stages of a job. Pure. */
import type { DiskErrorKind, DiskInfo, DiskOrigin, DiskProgress } from '../../embed/disk-library.ts';
import { formatBytes } from '../shell/format.ts';

/** What went wrong, ready to be shown. */
export interface DiskProblem extends ProblemWords {
  readonly kind: DiskErrorKind;
  /** The library's own words: what happened, where, and what to do next. */
  readonly message: string;
}

interface ProblemWords {
  readonly title: string;
  /** What the page can add to that. */
  readonly nextStep?: string;
}

export const PROBLEMS: Readonly<Record<DiskErrorKind, ProblemWords>> = {
  'bad-image': {
    title: 'The file cannot be used as a disk.',
    nextStep: 'Images can be raw, gzip, xz, zstd, zip, qcow2 or VHD.',
  },
  'wrong-checksum': { title: 'The file is not what its checksum promises.' },
  network: { title: 'The connection was lost.' },
  'cross-origin': {
    title: 'The file could not be read from that site.',
    nextStep: 'A site of your own can allow it by the header Access-Control-Allow-Origin.',
  },
  'no-ranges': { title: 'That server cannot send parts of a file.' },
  quota: {
    title: 'The browser’s storage for this page is full.',
    nextStep:
      'Here, disks can be reset or deleted, after an export where you need them, and unfinished imports discarded.',
  },
  'in-use': { title: 'The disk is in use.' },
  'not-found': { title: 'It is not there.' },
  'file-system': { title: 'The files on this disk do not allow it.' },
  unavailable: { title: 'This browser keeps nothing for this page.' },
  cancelled: { title: 'Cancelled.' },
  io: {
    title: 'The browser’s storage failed.',
    nextStep: 'If it stays so, restart the browser, and check the free space on your computer.',
  },
};

/** Whether the whole file may be imported where fetching parts of it could not. */
export function isForWhole({ kind }: DiskProblem): boolean {
  return kind === 'no-ranges' || kind === 'bad-image';
}

/** Anything that was thrown, in words. What is no DiskError is a fault of this page, told as it is. */
export function diskProblem(error: unknown): DiskProblem {
  const kind = errorKind(error) ?? 'io';
  const message = error instanceof Error ? error.message : String(error);
  return { kind, message, ...PROBLEMS[kind] };
}

/** By the field and not by the class: errors that crossed a thread have lost theirs. */
function errorKind(error: unknown): DiskErrorKind | undefined {
  if (typeof error !== 'object' || error === null || !('kind' in error)) return undefined;
  const { kind } = error;
  return typeof kind === 'string' && kind in PROBLEMS ? (kind as DiskErrorKind) : undefined;
}

export const STAGES: Readonly<Record<DiskProgress['stage'], string>> = {
  fetch: 'Fetching',
  store: 'Storing',
  verify: 'Checking',
  export: 'Writing',
};

/** Where a disk came from, as the end of a line of facts. */
export function originWords(origin: DiskOrigin): string {
  switch (origin.kind) {
    case 'empty':
      return 'made empty';
    case 'file':
      return `from ${origin.fileName}`;
    case 'url':
      return `from ${urlFileName(origin.url) || origin.url}`;
    case 'clone':
      return `clone of ${origin.ofName}`;
  }
}

/** Who else has the same base, for people: the first names, and how many more. */
export function sharingWords({ sharedBytes, sharesBaseWith }: DiskInfo): string {
  if (sharedBytes === 0) return '';
  const [first, ...rest] = sharesBaseWith;
  if (first === undefined) return `${formatBytes(sharedBytes)} of base`;
  const others = rest.length === 0 ? first : `${first} and ${rest.length} more`;
  return `${formatBytes(sharedBytes)} shared with ${others}`;
}

/** What is gone with a disk: what it alone has. */
export function deletionLoss(disk: DiskInfo): string {
  const { ownBytes, sharedBytes, sharesBaseWith, sinceImportBytes, format } = disk;
  if (sharedBytes > 0 && sharesBaseWith.length > 0) {
    if (ownBytes === 0) return `Nothing was written to it: ${sharesBaseWith.join(', ')} shows the same.`;
    return `What was written to it since it was cloned, ${formatBytes(ownBytes)}, is lost.`;
  }
  if (format === undefined) return ownBytes === 0 ? 'It is empty.' : 'Everything on it is lost.';
  if (sinceImportBytes === 0) return 'The image is lost; a guest has changed nothing on it.';
  return `The image and ${formatBytes(sinceImportBytes)} of changes are lost.`;
}

export function urlFileName(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  return decodeSafely(path.split('/').at(-1) ?? '');
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What imports take off a file's name: packings and image kinds. */
const IMAGE_ENDINGS = /(\.(img|raw|iso|qcow2|vhd|wic|xz|gz|zst|zip))+$/i;

/** A disk's first name: its file's, without what only says how it was packed. */
export function diskNameFor(fileName: string): string {
  return fileName.replace(IMAGE_ENDINGS, '') || fileName || 'disk';
}

/** `name`, or the first of `name 2`, `name 3`… that nobody has. */
export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  let number = 2;
  while (taken.includes(`${name} ${number}`)) number += 1;
  return `${name} ${number}`;
}
