/**
 * Numbered records that fill a disk, or the files of a folder, round and round. A record is its number in a line,
 * again and again (`yes NUMBER | head -c 4096` in a guest), so each says in all its bytes what it is.
 */

export const RECORD_BYTES = 4096;

export function recordBytes(number: number, sizeBytes: number = RECORD_BYTES): Uint8Array {
  const line = `${number}\n`;
  const text = line.repeat(Math.ceil(sizeBytes / line.length)).slice(0, sizeBytes);
  return new TextEncoder().encode(text);
}

/**
 * What is wrong with the record at one of `room` places, when records up to `last` were flushed: it must be the
 * newest flushed one of this place, or one written after it, and whole. A place without a record is empty or zeros.
 */
export function recordFault(
  bytes: Uint8Array,
  place: number,
  room: number,
  last: number,
  sizeOf: (number: number) => number = () => RECORD_BYTES,
): string | undefined {
  const least = last < place ? -1 : last - ((last - place) % room);
  const isEmpty = bytes.every((byte) => byte === 0);
  const number = isEmpty ? -1 : Number.parseInt(new TextDecoder().decode(bytes.subarray(0, 16)), 10);
  if (Number.isNaN(number)) return `place ${place}: neither empty nor a record`;
  if (number < least) return `place ${place}: record ${number} instead of ${least}, which was flushed`;
  if (isEmpty) return undefined;
  if (number % room !== place) return `place ${place}: record ${number}, which belongs elsewhere`;
  const expected = recordBytes(number, sizeOf(number));
  if (bytes.length !== expected.length)
    return `place ${place}: record ${number} has ${bytes.length} bytes instead of ${expected.length}`;
  const wrong = bytes.findIndex((byte, at) => byte !== expected[at]);
  return wrong < 0 ? undefined : `place ${place}: record ${number} is torn at byte ${wrong}`;
}
