/**
 * CRC32 and CRC32C a byte at a time, eight bytes at once ("slicing by 8"): table k holds what a byte contributes
 * after k more zero bytes. The tables lie in the machine's linear memory.
 */
import type { I32, I64 } from '../ir/ir.ts';
import { CRC_AREA, CRC_TABLE_SIZE, CRC_TABLES_EACH } from '../layout/memory-map.ts';
import type { Semantics } from './semantics.ts';

/** Reflected polynomials; their tables follow each other in this order. */
export const CRC_POLYNOMIALS = { crc32: 0xedb88320, crc32c: 0x82f63b78 } as const;
export type CrcName = keyof typeof CRC_POLYNOMIALS;

const tableAddress = (name: CrcName, k: number) =>
  CRC_AREA + ((name === 'crc32' ? 0 : CRC_TABLES_EACH) + k) * CRC_TABLE_SIZE;

/** Writes the tables into linear memory. */
export function writeCrcTables(memory: WebAssembly.Memory): void {
  for (const [name, polynomial] of Object.entries(CRC_POLYNOMIALS)) {
    const table = (k: number) =>
      new Uint32Array(memory.buffer, tableAddress(name as CrcName, k), CRC_TABLE_SIZE / 4);
    const first = table(0).map((_, byte) => oneByte(byte, polynomial));
    table(0).set(first);
    for (let k = 1; k < CRC_TABLES_EACH; k++)
      table(k).set(table(k - 1).map((value) => (value >>> 8) ^ (first[value & 0xff] ?? 0)));
  }
}

function oneByte(byte: number, polynomial: number): number {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
}

/** The checksum after `bytes` (1, 2, 4 or 8) bytes of data. */
export function crcStep(b: Semantics, name: CrcName, crc: I32, data: I64, bytes: number): I32 {
  const mixed = b.xor(b.zeroExtend(crc), data);
  let result: I32 | undefined = bytes < 4 ? b.shrU(crc, b.i32(8 * bytes)) : undefined;
  for (let i = 0; i < bytes; i++) {
    const byte = b.and(b.wrap(b.shrU(mixed, b.i64(8 * i))), b.i32(0xff));
    const part = b.hostLoad<'i32'>('i32', b.shl(byte, b.i32(2)), tableAddress(name, bytes - 1 - i));
    result = result ? b.xor(result, part) : part;
  }
  return result ?? crc;
}
