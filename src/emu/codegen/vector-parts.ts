/** Parts of a vector register that lives in a v128 local, as loads and stores of its memory image see them. */
import { assert } from '../base/assert.ts';
import type { LoadKind, StoreKind } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { Push } from './environment.ts';

const LANES = { i32: 4, i64: 8, f32: 4, f64: 8 } as const;
const SHAPE = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' } as const;

/** From the register on the stack to what a load of that kind at that byte would give. */
export function readVectorPart(f: FunctionBuilder, kind: LoadKind, byte: number): void {
  if (kind === 'v128') return assert(byte === 0, 'an aligned vector');
  const [type, width] = kind.split('.') as [keyof typeof LANES, string | undefined];
  if (!width) return f.numeric(`${SHAPE[type]}.extract_lane`, [byte / LANES[type]]);
  const sign = width.endsWith('s') ? 's' : 'u';
  const bits = Number.parseInt(width, 10);
  if (bits === 32) {
    f.numeric('i32x4.extract_lane', [byte / 4]);
    return f.numeric(`i64.extend_i32_${sign}`);
  }
  f.numeric(bits === 8 ? `i8x16.extract_lane_${sign}` : `i16x8.extract_lane_${sign}`, [(byte * 8) / bits]);
  if (type === 'i64') f.numeric(`i64.extend_i32_${sign}`);
}

/** Pushes the register with the part that a store of that kind at that byte would change. */
export function writeVectorPart(
  f: FunctionBuilder,
  kind: StoreKind,
  byte: number,
  register: Push,
  value: Push,
): void {
  const [type, width] = kind.split('.') as [keyof typeof LANES, string | undefined];
  register();
  value();
  if (!width) return f.numeric(`${SHAPE[type]}.replace_lane`, [byte / LANES[type]]);
  const bits = Number(width);
  if (type === 'i64') f.numeric('i32.wrap_i64');
  f.numeric(`${bits === 8 ? 'i8x16' : bits === 16 ? 'i16x8' : 'i32x4'}.replace_lane`, [(byte * 8) / bits]);
}
