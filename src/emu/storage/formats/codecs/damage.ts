/** What decoders say about data that cannot be what an encoder wrote. */
import { ImageError } from '../image-error.ts';

export function damaged(what: string, offset?: number): ImageError {
  return new ImageError('corrupt', `the compressed data is damaged: ${what}`, offset);
}

/** @param offset where the file ends */
export function endsEarly(offset: number): ImageError {
  return new ImageError('truncated', 'the file ends within compressed data', offset);
}

/** @param offset where the sum stands */
export function wrongSum(offset: number): ImageError {
  return new ImageError(
    'checksum',
    'the decompressed data does not have the sum stored with it: the file is damaged',
    offset,
  );
}
