/** What the page says about disks: problems and what to do about them, origins, stages of a job. Pure. */
import type { DiskErrorKind, DiskInfo, DiskOrigin, DiskProgress } from '../../embed/disk-library.ts';
import { formatBytes } from '../shell/format.ts';

/** What went wrong, ready to be shown. */
export interface DiskProblem {
  readonly kind: DiskErrorKind;
  readonly title: string;
  /** The library's own words: what happened, and where. */
  readonly message: string;
  readonly nextStep: string;
}

interface ProblemWords {
  readonly title: string;
  readonly nextStep: string;
}

export const PROBLEMS: Readonly<Record<DiskErrorKind, ProblemWords>> = {
  'bad-image': {
    title: 'This is not an image that can be read.',
    nextStep: 'Check that the download is complete. Raw, gzip, xz, zstd, zip, qcow2 and VHD images are read.',
  },
  'wrong-checksum': {
    title: 'The file is not what its checksum promises.',
    nextStep:
      'Nothing of it was kept. Fetch it again, and compare the sum with the one its source publishes.',
  },
  network: {
    title: 'The connection was lost.',
    nextStep: 'What has arrived is kept where possible. Try again when the connection is back.',
  },
  'cross-origin': {
    title: 'That site does not let this page read the file.',
    nextStep:
      'Download the file with your browser and import it from your computer. Or ask the site to send the header Access-Control-Allow-Origin (CORS).',
  },
  'no-ranges': {
    title: 'That server cannot send parts of a file.',
    nextStep: 'Import the whole image instead.',
  },
  quota: {
    title: 'The browser’s storage for this page is full.',
    nextStep: 'Delete or reset a disk that you do not need, or free space on your computer. Then try again.',
  },
  'in-use': {
    title: 'A machine uses this disk now.',
    nextStep: 'Power that machine off first; it may be in another tab.',
  },
  'not-found': {
    title: 'This disk is not there any more.',
    nextStep: 'It may have been deleted in another tab.',
  },
  unavailable: {
    title: 'This browser keeps nothing for this page.',
    nextStep: 'In a private window, or with storage blocked, disks last until their machine is closed.',
  },
  cancelled: { title: 'Cancelled.', nextStep: 'Nothing was kept.' },
  io: {
    title: 'The browser’s storage failed.',
    nextStep: 'Try again. If it stays so, restart the browser, and check the free space on your computer.',
  },
};

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
