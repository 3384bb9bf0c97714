/**
 * Vectors that instructions use as tables of 16 bytes. They lie in the machine's linear memory: with constants in the
 * code AES takes twice the time (docs/decisions.md).
 */
import { assert } from '../base/assert.ts';
import type { V128 } from '../ir/ir.ts';
import { VECTOR_TABLES_AREA, VECTOR_TABLES_SIZE } from '../layout/memory-map.ts';
import { BOUNDED_SWIZZLE } from '../wasm/host-swizzle.ts';
import { INVERSE_SUBSTITUTION, INVERSES, INVERSES_BY_NORM, REDUCTION, SUBSTITUTION } from './aes-tables.ts';
import type { Semantics } from './semantics.ts';

const V_BYTES = 16;
const everywhere = (byte: number): readonly number[] => new Array(V_BYTES).fill(byte);
const reverseNibble = (n: number): number =>
  [0, 1, 2, 3].reduce((r, bit) => r | (((n >> bit) & 1) << (3 - bit)), 0);
const NIBBLES = Array.from({ length: V_BYTES }, (_, n) => n);

/** In the order in which they lie in memory. */
const TABLES = {
  lowNibbles: everywhere(0x0f),
  inverses: INVERSES,
  inversesByNorm: INVERSES_BY_NORM,
  reduction: everywhere(REDUCTION),
  substitutionLow: SUBSTITUTION.input.low,
  substitutionHigh: SUBSTITUTION.input.high,
  substitutionByU: SUBSTITUTION.byU,
  substitutionByV: SUBSTITUTION.byV,
  substitutionConstant: everywhere(SUBSTITUTION.constant),
  inverseSubstitutionLow: INVERSE_SUBSTITUTION.input.low,
  inverseSubstitutionHigh: INVERSE_SUBSTITUTION.input.high,
  inverseSubstitutionByU: INVERSE_SUBSTITUTION.byU,
  inverseSubstitutionByV: INVERSE_SUBSTITUTION.byV,
  reversedNibbles: NIBBLES.map(reverseNibble),
  reversedNibblesOnTop: NIBBLES.map((n) => reverseNibble(n) << 4),
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type VectorTable = keyof typeof TABLES;
const NAMES = Object.keys(TABLES);
assert(NAMES.length * V_BYTES <= VECTOR_TABLES_SIZE, 'vector tables fit into their area');

/** Writes the tables into linear memory. */
export function writeVectorTables(memory: WebAssembly.Memory): void {
  const area = new Uint8Array(memory.buffer, VECTOR_TABLES_AREA, VECTOR_TABLES_SIZE);
  Object.values(TABLES).forEach((table, at) => {
    area.set(table, at * V_BYTES);
  });
}

/** The whole table as a vector. */
export const vectorTable = (b: Semantics, name: VectorTable): V128 =>
  b.hostLoad<'v128'>('v128', b.i32(0), VECTOR_TABLES_AREA + NAMES.indexOf(name) * V_BYTES);

/** The entries that the bytes of `indexes` name: zero for an index above 127; from 16 to 127 there must be none. */
export const lookUp = (b: Semantics, name: VectorTable, indexes: V128): V128 =>
  b.numeric<'v128'>(BOUNDED_SWIZZLE, [vectorTable(b, name), indexes]);
