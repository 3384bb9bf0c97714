/**
 * THE table of WebAssembly instructions that we emit: name → opcode bytes, immediates and type.
 * WebAssembly core specification 3.0, 5.4 (binary instructions); threads proposal for atomics.
 *
 * Rows of the groups below are `name: opcode`, with one signature a group, so that a reader can check them
 * against the specification's index line by line.
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Encodings of value types (5.3.1, 5.3.3). */
export const VALUE_TYPE_CODE = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
} as const satisfies Record<ValueType, number>;

/** Control and variable instructions, emitted by name from the function builder. */
export const CONTROL = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  call_indirect: 0x11,
  return_call_indirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  'local.get': 0x20,
  'local.set': 0x21,
  'local.tee': 0x22,
  'i32.const': 0x41,
  'i64.const': 0x42,
  'f32.const': 0x43,
  'f64.const': 0x44,
} as const;

const I32_BINARY = {
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.div_u': 0x6e,
  'i32.rem_s': 0x6f,
  'i32.rem_u': 0x70,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'i32.rotl': 0x77,
  'i32.rotr': 0x78,
} as const;

const I32_COMPARE = {
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le_s': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge_s': 0x4e,
  'i32.ge_u': 0x4f,
} as const;

const I32_UNARY = {
  'i32.clz': 0x67,
  'i32.ctz': 0x68,
  'i32.popcnt': 0x69,
  'i32.extend8_s': 0xc0,
  'i32.extend16_s': 0xc1,
} as const;

const I64_BINARY = {
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.div_s': 0x7f,
  'i64.div_u': 0x80,
  'i64.rem_s': 0x81,
  'i64.rem_u': 0x82,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_s': 0x87,
  'i64.shr_u': 0x88,
  'i64.rotl': 0x89,
  'i64.rotr': 0x8a,
} as const;

const I64_COMPARE = {
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt_s': 0x53,
  'i64.lt_u': 0x54,
  'i64.gt_s': 0x55,
  'i64.gt_u': 0x56,
  'i64.le_s': 0x57,
  'i64.le_u': 0x58,
  'i64.ge_s': 0x59,
  'i64.ge_u': 0x5a,
} as const;

const I64_UNARY = {
  'i64.clz': 0x79,
  'i64.ctz': 0x7a,
  'i64.popcnt': 0x7b,
  'i64.extend8_s': 0xc2,
  'i64.extend16_s': 0xc3,
  'i64.extend32_s': 0xc4,
} as const;

const FLOAT_BINARY = {
  'f32.add': 0x92,
  'f32.sub': 0x93,
  'f32.mul': 0x94,
  'f32.div': 0x95,
  'f32.min': 0x96,
  'f32.max': 0x97,
  'f64.add': 0xa0,
  'f64.sub': 0xa1,
  'f64.mul': 0xa2,
  'f64.div': 0xa3,
  'f64.min': 0xa4,
  'f64.max': 0xa5,
} as const;

const FLOAT_COMPARE = {
  'f32.eq': 0x5b,
  'f32.ne': 0x5c,
  'f32.lt': 0x5d,
  'f32.gt': 0x5e,
  'f32.le': 0x5f,
  'f32.ge': 0x60,
  'f64.eq': 0x61,
  'f64.ne': 0x62,
  'f64.lt': 0x63,
  'f64.gt': 0x64,
  'f64.le': 0x65,
  'f64.ge': 0x66,
} as const;

const FLOAT_UNARY = {
  'f32.abs': 0x8b,
  'f32.neg': 0x8c,
  'f32.ceil': 0x8d,
  'f32.floor': 0x8e,
  'f32.trunc': 0x8f,
  'f32.nearest': 0x90,
  'f32.sqrt': 0x91,
  'f64.abs': 0x99,
  'f64.neg': 0x9a,
  'f64.ceil': 0x9b,
  'f64.floor': 0x9c,
  'f64.trunc': 0x9d,
  'f64.nearest': 0x9e,
  'f64.sqrt': 0x9f,
} as const;

/** Loads and stores: name → [opcode bytes, type of the value]. Memory instructions carry alignment and offset. */
export const LOADS = {
  'i32.load': [[0x28], 'i32', 4],
  'i64.load': [[0x29], 'i64', 8],
  'f32.load': [[0x2a], 'f32', 4],
  'f64.load': [[0x2b], 'f64', 8],
  'i32.load8_s': [[0x2c], 'i32', 1],
  'i32.load8_u': [[0x2d], 'i32', 1],
  'i32.load16_s': [[0x2e], 'i32', 2],
  'i32.load16_u': [[0x2f], 'i32', 2],
  'i64.load8_s': [[0x30], 'i64', 1],
  'i64.load8_u': [[0x31], 'i64', 1],
  'i64.load16_s': [[0x32], 'i64', 2],
  'i64.load16_u': [[0x33], 'i64', 2],
  'i64.load32_s': [[0x34], 'i64', 4],
  'i64.load32_u': [[0x35], 'i64', 4],
  'v128.load': [[0xfd, 0], 'v128', 16],
  'v128.load8_splat': [[0xfd, 7], 'v128', 1],
  'v128.load16_splat': [[0xfd, 8], 'v128', 2],
  'v128.load32_splat': [[0xfd, 9], 'v128', 4],
  'v128.load64_splat': [[0xfd, 10], 'v128', 8],
  'v128.load32_zero': [[0xfd, 92], 'v128', 4],
  'v128.load64_zero': [[0xfd, 93], 'v128', 8],
  'i32.atomic.load': [[0xfe, 0x10], 'i32', 4],
  'i64.atomic.load': [[0xfe, 0x11], 'i64', 8],
  'i32.atomic.load8_u': [[0xfe, 0x12], 'i32', 1],
  'i32.atomic.load16_u': [[0xfe, 0x13], 'i32', 2],
  'i64.atomic.load8_u': [[0xfe, 0x14], 'i64', 1],
  'i64.atomic.load16_u': [[0xfe, 0x15], 'i64', 2],
  'i64.atomic.load32_u': [[0xfe, 0x16], 'i64', 4],
} as const satisfies Record<string, readonly [readonly number[], ValueType, number]>;

export const STORES = {
  'i32.store': [[0x36], 'i32', 4],
  'i64.store': [[0x37], 'i64', 8],
  'f32.store': [[0x38], 'f32', 4],
  'f64.store': [[0x39], 'f64', 8],
  'i32.store8': [[0x3a], 'i32', 1],
  'i32.store16': [[0x3b], 'i32', 2],
  'i64.store8': [[0x3c], 'i64', 1],
  'i64.store16': [[0x3d], 'i64', 2],
  'i64.store32': [[0x3e], 'i64', 4],
  'v128.store': [[0xfd, 11], 'v128', 16],
  'i32.atomic.store': [[0xfe, 0x17], 'i32', 4],
  'i64.atomic.store': [[0xfe, 0x18], 'i64', 8],
  'i32.atomic.store8': [[0xfe, 0x19], 'i32', 1],
  'i32.atomic.store16': [[0xfe, 0x1a], 'i32', 2],
  'i64.atomic.store8': [[0xfe, 0x1b], 'i64', 1],
  'i64.atomic.store16': [[0xfe, 0x1c], 'i64', 2],
  'i64.atomic.store32': [[0xfe, 0x1d], 'i64', 4],
} as const satisfies Record<string, readonly [readonly number[], ValueType, number]>;

/** Atomic read-modify-write: first opcode of the seven widths in the order of ATOMIC_WIDTHS. */
export const ATOMIC_RMW = {
  add: 0x1e,
  sub: 0x25,
  and: 0x2c,
  or: 0x33,
  xor: 0x3a,
  xchg: 0x41,
  cmpxchg: 0x48,
} as const;
export const ATOMIC_WIDTHS = ['i32', 'i64', 'i32.8', 'i32.16', 'i64.8', 'i64.16', 'i64.32'] as const;

export interface Instruction {
  readonly code: readonly number[];
  readonly args: readonly ValueType[];
  readonly result: ValueType;
  /** Number of bytes that follow the opcode: a lane index, or 16 for a shuffle. */
  readonly immediateBytes: number;
}

type Group = Readonly<Record<string, number>>;
const table: Record<string, Instruction> = {};

function plain(group: Group, args: (prefix: ValueType) => ValueType[], result: (p: ValueType) => ValueType) {
  for (const [name, code] of Object.entries(group)) {
    const prefix = name.slice(0, name.indexOf('.')) as ValueType;
    table[name] = { code: [code], args: args(prefix), result: result(prefix), immediateBytes: 0 };
  }
}
for (const group of [I32_BINARY, I64_BINARY, FLOAT_BINARY])
  plain(
    group,
    (p) => [p, p],
    (p) => p,
  );
for (const group of [I32_COMPARE, I64_COMPARE, FLOAT_COMPARE])
  plain(
    group,
    (p) => [p, p],
    () => 'i32',
  );
for (const group of [I32_UNARY, I64_UNARY, FLOAT_UNARY])
  plain(
    group,
    (p) => [p],
    (p) => p,
  );

/** Conversions: name → [opcode, from, to]. */
const CONVERT = {
  'i32.eqz': [0x45, 'i32', 'i32'],
  'i64.eqz': [0x50, 'i64', 'i32'],
  'i32.wrap_i64': [0xa7, 'i64', 'i32'],
  'i64.extend_i32_s': [0xac, 'i32', 'i64'],
  'i64.extend_i32_u': [0xad, 'i32', 'i64'],
  'f32.convert_i32_s': [0xb2, 'i32', 'f32'],
  'f32.convert_i32_u': [0xb3, 'i32', 'f32'],
  'f32.convert_i64_s': [0xb4, 'i64', 'f32'],
  'f32.convert_i64_u': [0xb5, 'i64', 'f32'],
  'f32.demote_f64': [0xb6, 'f64', 'f32'],
  'f64.convert_i32_s': [0xb7, 'i32', 'f64'],
  'f64.convert_i32_u': [0xb8, 'i32', 'f64'],
  'f64.convert_i64_s': [0xb9, 'i64', 'f64'],
  'f64.convert_i64_u': [0xba, 'i64', 'f64'],
  'f64.promote_f32': [0xbb, 'f32', 'f64'],
  'i32.reinterpret_f32': [0xbc, 'f32', 'i32'],
  'i64.reinterpret_f64': [0xbd, 'f64', 'i64'],
  'f32.reinterpret_i32': [0xbe, 'i32', 'f32'],
  'f64.reinterpret_i64': [0xbf, 'i64', 'f64'],
} as const;
for (const [name, [code, from, to]] of Object.entries(CONVERT))
  table[name] = { code: [code], args: [from], result: to, immediateBytes: 0 };

/** Saturating truncations: 0xfc prefix. */
const TRUNC_SAT = {
  'i32.trunc_sat_f32_s': [0, 'f32', 'i32'],
  'i32.trunc_sat_f32_u': [1, 'f32', 'i32'],
  'i32.trunc_sat_f64_s': [2, 'f64', 'i32'],
  'i32.trunc_sat_f64_u': [3, 'f64', 'i32'],
  'i64.trunc_sat_f32_s': [4, 'f32', 'i64'],
  'i64.trunc_sat_f32_u': [5, 'f32', 'i64'],
  'i64.trunc_sat_f64_s': [6, 'f64', 'i64'],
  'i64.trunc_sat_f64_u': [7, 'f64', 'i64'],
} as const;
for (const [name, [code, from, to]] of Object.entries(TRUNC_SAT))
  table[name] = { code: [0xfc, code], args: [from], result: to, immediateBytes: 0 };

/** Vector instructions (5.4.9): 0xfd prefix; rows `name: [opcode, arguments, result]`; v = v128. */
const V = 'v128';
const VECTOR_BINARY = {
  'i8x16.swizzle': 14,
  'i8x16.eq': 35,
  'i8x16.ne': 36,
  'i8x16.lt_s': 37,
  'i8x16.lt_u': 38,
  'i8x16.gt_s': 39,
  'i8x16.gt_u': 40,
  'i8x16.le_s': 41,
  'i8x16.le_u': 42,
  'i8x16.ge_s': 43,
  'i8x16.ge_u': 44,
  'i16x8.eq': 45,
  'i16x8.ne': 46,
  'i16x8.lt_s': 47,
  'i16x8.lt_u': 48,
  'i16x8.gt_s': 49,
  'i16x8.gt_u': 50,
  'i16x8.le_s': 51,
  'i16x8.le_u': 52,
  'i16x8.ge_s': 53,
  'i16x8.ge_u': 54,
  'i32x4.eq': 55,
  'i32x4.ne': 56,
  'i32x4.lt_s': 57,
  'i32x4.lt_u': 58,
  'i32x4.gt_s': 59,
  'i32x4.gt_u': 60,
  'i32x4.le_s': 61,
  'i32x4.le_u': 62,
  'i32x4.ge_s': 63,
  'i32x4.ge_u': 64,
  'f32x4.eq': 65,
  'f32x4.ne': 66,
  'f32x4.lt': 67,
  'f32x4.gt': 68,
  'f32x4.le': 69,
  'f32x4.ge': 70,
  'f64x2.eq': 71,
  'f64x2.ne': 72,
  'f64x2.lt': 73,
  'f64x2.gt': 74,
  'f64x2.le': 75,
  'f64x2.ge': 76,
  'v128.and': 78,
  'v128.andnot': 79,
  'v128.or': 80,
  'v128.xor': 81,
  'i8x16.narrow_i16x8_s': 101,
  'i8x16.narrow_i16x8_u': 102,
  'i8x16.add': 110,
  'i8x16.add_sat_s': 111,
  'i8x16.add_sat_u': 112,
  'i8x16.sub': 113,
  'i8x16.sub_sat_s': 114,
  'i8x16.sub_sat_u': 115,
  'i8x16.min_s': 118,
  'i8x16.min_u': 119,
  'i8x16.max_s': 120,
  'i8x16.max_u': 121,
  'i8x16.avgr_u': 123,
  'i16x8.q15mulr_sat_s': 130,
  'i16x8.narrow_i32x4_s': 133,
  'i16x8.narrow_i32x4_u': 134,
  'i16x8.add': 142,
  'i16x8.add_sat_s': 143,
  'i16x8.add_sat_u': 144,
  'i16x8.sub': 145,
  'i16x8.sub_sat_s': 146,
  'i16x8.sub_sat_u': 147,
  'i16x8.mul': 149,
  'i16x8.min_s': 150,
  'i16x8.min_u': 151,
  'i16x8.max_s': 152,
  'i16x8.max_u': 153,
  'i16x8.avgr_u': 155,
  'i16x8.extmul_low_i8x16_s': 156,
  'i16x8.extmul_high_i8x16_s': 157,
  'i16x8.extmul_low_i8x16_u': 158,
  'i16x8.extmul_high_i8x16_u': 159,
  'i32x4.add': 174,
  'i32x4.sub': 177,
  'i32x4.mul': 181,
  'i32x4.min_s': 182,
  'i32x4.min_u': 183,
  'i32x4.max_s': 184,
  'i32x4.max_u': 185,
  'i32x4.dot_i16x8_s': 186,
  'i32x4.extmul_low_i16x8_s': 188,
  'i32x4.extmul_high_i16x8_s': 189,
  'i32x4.extmul_low_i16x8_u': 190,
  'i32x4.extmul_high_i16x8_u': 191,
  'i64x2.add': 206,
  'i64x2.sub': 209,
  'i64x2.mul': 213,
  'i64x2.eq': 214,
  'i64x2.ne': 215,
  'i64x2.lt_s': 216,
  'i64x2.gt_s': 217,
  'i64x2.le_s': 218,
  'i64x2.ge_s': 219,
  'i64x2.extmul_low_i32x4_s': 220,
  'i64x2.extmul_high_i32x4_s': 221,
  'i64x2.extmul_low_i32x4_u': 222,
  'i64x2.extmul_high_i32x4_u': 223,
  'f32x4.add': 228,
  'f32x4.sub': 229,
  'f32x4.mul': 230,
  'f32x4.div': 231,
  'f32x4.min': 232,
  'f32x4.max': 233,
  'f32x4.pmin': 234,
  'f32x4.pmax': 235,
  'f64x2.add': 240,
  'f64x2.sub': 241,
  'f64x2.mul': 242,
  'f64x2.div': 243,
  'f64x2.min': 244,
  'f64x2.max': 245,
  'f64x2.pmin': 246,
  'f64x2.pmax': 247,
} as const;
const VECTOR_UNARY = {
  'v128.not': 77,
  'f32x4.demote_f64x2_zero': 94,
  'f64x2.promote_low_f32x4': 95,
  'i8x16.abs': 96,
  'i8x16.neg': 97,
  'i8x16.popcnt': 98,
  'f32x4.ceil': 103,
  'f32x4.floor': 104,
  'f32x4.trunc': 105,
  'f32x4.nearest': 106,
  'f64x2.ceil': 116,
  'f64x2.floor': 117,
  'f64x2.trunc': 122,
  'i16x8.extadd_pairwise_i8x16_s': 124,
  'i16x8.extadd_pairwise_i8x16_u': 125,
  'i32x4.extadd_pairwise_i16x8_s': 126,
  'i32x4.extadd_pairwise_i16x8_u': 127,
  'i16x8.abs': 128,
  'i16x8.neg': 129,
  'i16x8.extend_low_i8x16_s': 135,
  'i16x8.extend_high_i8x16_s': 136,
  'i16x8.extend_low_i8x16_u': 137,
  'i16x8.extend_high_i8x16_u': 138,
  'f64x2.nearest': 148,
  'i32x4.abs': 160,
  'i32x4.neg': 161,
  'i32x4.extend_low_i16x8_s': 167,
  'i32x4.extend_high_i16x8_s': 168,
  'i32x4.extend_low_i16x8_u': 169,
  'i32x4.extend_high_i16x8_u': 170,
  'i64x2.abs': 192,
  'i64x2.neg': 193,
  'i64x2.extend_low_i32x4_s': 199,
  'i64x2.extend_high_i32x4_s': 200,
  'i64x2.extend_low_i32x4_u': 201,
  'i64x2.extend_high_i32x4_u': 202,
  'f32x4.abs': 224,
  'f32x4.neg': 225,
  'f32x4.sqrt': 227,
  'f64x2.abs': 236,
  'f64x2.neg': 237,
  'f64x2.sqrt': 239,
  'i32x4.trunc_sat_f32x4_s': 248,
  'i32x4.trunc_sat_f32x4_u': 249,
  'f32x4.convert_i32x4_s': 250,
  'f32x4.convert_i32x4_u': 251,
} as const;
/** Shifts take the amount as an i32. */
const VECTOR_SHIFT = {
  'i8x16.shl': 107,
  'i8x16.shr_s': 108,
  'i8x16.shr_u': 109,
  'i16x8.shl': 139,
  'i16x8.shr_s': 140,
  'i16x8.shr_u': 141,
  'i32x4.shl': 171,
  'i32x4.shr_s': 172,
  'i32x4.shr_u': 173,
  'i64x2.shl': 203,
  'i64x2.shr_s': 204,
  'i64x2.shr_u': 205,
} as const;
const VECTOR_TEST = {
  'v128.any_true': 83,
  'i8x16.all_true': 99,
  'i8x16.bitmask': 100,
  'i16x8.all_true': 131,
  'i16x8.bitmask': 132,
  'i32x4.all_true': 163,
  'i32x4.bitmask': 164,
  'i64x2.all_true': 195,
  'i64x2.bitmask': 196,
} as const;
const vector = (group: Group, args: ValueType[], result: ValueType, immediateBytes = 0) => {
  for (const [name, code] of Object.entries(group)) {
    const leb = code < 128 ? [code] : [(code & 127) | 128, code >> 7];
    table[name] = { code: [0xfd, ...leb], args, result, immediateBytes };
  }
};
vector(VECTOR_BINARY, [V, V], V);
vector(VECTOR_UNARY, [V], V);
vector(VECTOR_SHIFT, [V, 'i32'], V);
vector(VECTOR_TEST, [V], 'i32');
vector({ 'v128.bitselect': 82 }, [V, V, V], V);
// Relaxed SIMD: used only where host-fusion and host-swizzle have found out what the host makes of it.
vector({ 'i8x16.relaxed_swizzle': 0x100 }, [V, V], V);
vector({ 'f32x4.relaxed_madd': 0x105, 'f64x2.relaxed_madd': 0x107 }, [V, V, V], V);
vector({ 'i8x16.shuffle': 13 }, [V, V], V, 16);
vector({ 'i8x16.splat': 15, 'i16x8.splat': 16, 'i32x4.splat': 17 }, ['i32'], V);
vector({ 'i64x2.splat': 18 }, ['i64'], V);
vector({ 'f32x4.splat': 19 }, ['f32'], V);
vector({ 'f64x2.splat': 20 }, ['f64'], V);
vector(
  {
    'i8x16.extract_lane_s': 21,
    'i8x16.extract_lane_u': 22,
    'i16x8.extract_lane_s': 24,
    'i16x8.extract_lane_u': 25,
    'i32x4.extract_lane': 27,
  },
  [V],
  'i32',
  1,
);
vector({ 'i64x2.extract_lane': 29 }, [V], 'i64', 1);
vector({ 'f32x4.extract_lane': 31 }, [V], 'f32', 1);
vector({ 'f64x2.extract_lane': 33 }, [V], 'f64', 1);
vector({ 'i8x16.replace_lane': 23, 'i16x8.replace_lane': 26, 'i32x4.replace_lane': 28 }, [V, 'i32'], V, 1);
vector({ 'i64x2.replace_lane': 30 }, [V, 'i64'], V, 1);
vector({ 'f32x4.replace_lane': 32 }, [V, 'f32'], V, 1);
vector({ 'f64x2.replace_lane': 34 }, [V, 'f64'], V, 1);

export type LoadOp = keyof typeof LOADS;
export type StoreOp = keyof typeof STORES;
export type AtomicOp = keyof typeof ATOMIC_RMW;

/** Every instruction that takes values and gives one, without touching memory or control. */
export const NUMERIC: Readonly<Record<string, Instruction>> = table;
