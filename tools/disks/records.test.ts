import { describe, expect, it } from 'vitest';
import { RECORD_BYTES, recordBytes, recordFault } from './records.ts';

const ROOM = 8;
const EMPTY = new Uint8Array(RECORD_BYTES);

describe('the check of a record', () => {
  it('takes the newest flushed record of its place, and later ones', () => {
    expect(recordFault(recordBytes(3), 3, ROOM, 5)).toBeUndefined();
    expect(recordFault(recordBytes(11), 3, ROOM, 5)).toBeUndefined();
    expect(recordFault(EMPTY, 7, ROOM, 5)).toBeUndefined();
  });

  it('finds a flushed record that is lost', () => {
    expect(recordFault(EMPTY, 3, ROOM, 5)).toContain('which was flushed');
    expect(recordFault(recordBytes(3), 3, ROOM, 12)).toContain('record 3 instead of 11');
  });

  it('finds a torn record, one in a wrong place, and what is none', () => {
    const torn = recordBytes(3);
    torn.set(recordBytes(11).subarray(2048), 2048);
    expect(recordFault(torn, 3, ROOM, 5)).toContain('torn at byte');
    expect(recordFault(recordBytes(4), 3, ROOM, -1)).toContain('belongs elsewhere');
    expect(recordFault(new Uint8Array(RECORD_BYTES).fill(0x78), 3, ROOM, -1)).toContain('neither');
  });

  it('finds a file that is cut off, and one that is not there', () => {
    const sizeOf = (number: number): number => 100 * number;
    expect(recordFault(recordBytes(3, 300), 3, ROOM, 5, sizeOf)).toBeUndefined();
    expect(recordFault(recordBytes(3, 200), 3, ROOM, 5, sizeOf)).toContain('200 bytes instead of 300');
    expect(recordFault(new Uint8Array(0), 3, ROOM, 5, sizeOf)).toContain('which was flushed');
    expect(recordFault(new Uint8Array(0), 7, ROOM, 5, sizeOf)).toBeUndefined();
  });
});
