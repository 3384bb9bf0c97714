/** Opens a file of any format that can be read in any order: raw, qcow2, VHD, and xz in blocks. */
import { HEAD_BYTES, identifyImage, TAIL_BYTES } from './identify.ts';
import { ImageError } from './image-error.ts';
import { checkDiskSize } from './limits.ts';
import { openQcow2 } from './qcow2-image.ts';
import { CheckedSource, type ImageReader, type RandomAccessSource } from './random-access.ts';
import { RawImage } from './raw-image.ts';
import { openVhd } from './vhd-image.ts';
import { openXz } from './xz-image.ts';

/** @throws {ImageError} when the file is damaged, or of a format that is decoded from start to end only */
export async function openImage(source: RandomAccessSource): Promise<ImageReader> {
  const identity = await identifySource(source);
  switch (identity.format) {
    case 'raw':
      checkDiskSize(source.size);
      return new RawImage(new CheckedSource(source));
    case 'qcow2':
      return openQcow2(source);
    case 'vhd':
      return openVhd(source);
    case 'xz':
      return openXz(source);
    case 'foreign':
      throw new ImageError('unknown', `this is ${identity.text}: ${identity.advice}`);
    default:
      throw new ImageError(
        'unsupported',
        `a ${identity.text} file can only be read from its start to its end; convert it first`,
      );
  }
}

/** The format of a file that can be read in any order. */
export async function identifySource(source: RandomAccessSource): Promise<ReturnType<typeof identifyImage>> {
  const checked = new CheckedSource(source);
  if (checked.size === 0) throw new ImageError('unknown', 'the file is empty');
  const head = await checked.bytes(0, Math.min(HEAD_BYTES, checked.size), 'the file');
  const tailBytes = Math.min(TAIL_BYTES, checked.size);
  return identifyImage(head, await checked.bytes(checked.size - tailBytes, tailBytes, 'the file'));
}
