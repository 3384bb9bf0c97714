/** Whatever was thrown while disks were handled, in words for the user. */
import { StorageError } from '../emu/storage/block-store.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import { FileSystemError } from '../emu/storage/filesystems/file-system-error.ts';
import { ImageError, type ImageErrorKind } from '../emu/storage/formats/image-error.ts';

/** After what is wrong with a file, what to do about it where the message does not say. */
const IMAGE_ADVICE: Readonly<Record<ImageErrorKind, string>> = {
  truncated: 'It is incomplete: download or copy it again.',
  corrupt: 'If it is not damaged where it comes from, download or copy it again.',
  checksum: 'Download or copy it again.',
  unknown: '',
  unsupported: '',
  'too-large': '',
};

export function asDiskError(failure: unknown): DiskError {
  if (failure instanceof DiskError) return failure;
  if (failure instanceof ImageError) {
    const { kind, message } = failure;
    const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
    return new DiskError('bad-image', [sentence, IMAGE_ADVICE[kind]].join(' ').trim());
  }
  if (failure instanceof FileSystemError) {
    return new DiskError(failure.kind === 'io' ? 'io' : 'file-system', `${failure.message}.`);
  }
  if (failure instanceof StorageError && failure.kind === 'quota') {
    const advice = 'Delete disks that are not needed, or free space on this computer, and try again.';
    return new DiskError('quota', `There is no room: ${failure.message}. ${advice}`);
  }
  if (failure instanceof DOMException && failure.name === 'AbortError') {
    return new DiskError('cancelled', 'Cancelled; nothing was kept.');
  }
  return new DiskError('io', failure instanceof Error ? failure.message : String(failure));
}

/** What a browser's storage threw, as a store tells it. */
export function asStorageError(failure: unknown): StorageError {
  if (failure instanceof StorageError) return failure;
  const name = failure instanceof Error || failure instanceof DOMException ? failure.name : '';
  if (name === 'QuotaExceededError') {
    return new StorageError('quota', 'the browser gives this site no more room');
  }
  return new StorageError('io', `the browser’s storage failed: ${String(failure)}`);
}

export async function withStorageErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw asStorageError(failure);
  }
}
