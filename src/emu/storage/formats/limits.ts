/** What is refused because of its size alone, in one place. */
import { ImageError } from './image-error.ts';

const BYTES_PER_GIB = 2 ** 30;

/** No disk is larger: a hostile file of a few bytes can claim any size. */
export const LARGEST_DISK_BYTES = 2048 * BYTES_PER_GIB;

/** Tables that are read as a whole. */
export const LARGEST_TABLE_BYTES = 1 << 25;

/** @throws {ImageError} */
export function checkDiskSize(bytes: number, offset?: number): void {
  if (bytes <= LARGEST_DISK_BYTES) return;
  throw new ImageError(
    'too-large',
    `the disk would have ${Math.floor(bytes / BYTES_PER_GIB)} GiB, more than the ${LARGEST_DISK_BYTES / BYTES_PER_GIB} GiB allowed here`,
    offset,
  );
}
