/**
 * The cyclic checksums that on-disk structures carry, all of them reflected: CRC-32 (UEFI 2.10, 5.3.2, for
 * GPT), CRC-32C and CRC-16 (ext4 and jbd2).
 */

const CRC32_POLYNOMIAL = 0xedb88320;
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC16_POLYNOMIAL = 0xa001;

function tableOf(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}

function update(table: Uint32Array, seed: number, bytes: Uint8Array): number {
  let value = seed;
  for (let index = 0; index < bytes.length; index++) {
    value = (value >>> 8) ^ table[(value ^ bytes[index]!) & 0xff]!;
  }
  return value >>> 0;
}

const crc32Table = tableOf(CRC32_POLYNOMIAL);
const crc32cTable = tableOf(CRC32C_POLYNOMIAL);
const crc16Table = tableOf(CRC16_POLYNOMIAL);

export function crc32(bytes: Uint8Array): number {
  return ~update(crc32Table, 0xffff_ffff, bytes) >>> 0;
}

/** As ext4 uses it: continued from `seed`, without a final complement. */
export function crc32c(seed: number, ...parts: readonly Uint8Array[]): number {
  return parts.reduce((value, part) => update(crc32cTable, value, part), seed);
}

/** As ext4's older group descriptors use it: continued from `seed`, without a final complement. */
export function crc16(seed: number, ...parts: readonly Uint8Array[]): number {
  return parts.reduce((value, part) => update(crc16Table, value, part), seed);
}

/** A 32-bit number as its four little-endian bytes, which is how checksums take numbers in. */
export function bytesOfU32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
