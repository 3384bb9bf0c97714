/** AdvSIMD integer instructions where their edges are; every row is compared with QEMU elsewhere. */
import { beforeAll, describe, expect, it } from 'vitest';
import { initialScratch, SCRATCH_BASE, SCRATCH_BYTES, slotAddress } from '../../testing/arena.ts';
import { BareMachine } from '../../testing/bare-machine.ts';
import { newState, type Outcome, STATE } from '../../testing/processor-state.ts';
import { extractFields } from '../pattern.ts';
import type { Row } from '../row.ts';
import { Semantics } from '../semantics.ts';
import { a64Decoder } from './index.ts';
import { simdByElement } from './simd-by-element.ts';
import { simdCopyPermute } from './simd-copy-permute.ts';
import { expandImmediate } from './simd-immediate.ts';
import { simdLoadsStores } from './simd-loads-stores.ts';
import { simdShiftImmediate } from './simd-shift-immediate.ts';
import { simdThreeSame } from './simd-three-same.ts';
import { simdTwoRegister } from './simd-two-register.ts';
import { simdWidening } from './simd-widening.ts';

const QC = 1n << 27n;
const LANE_MASK = (1n << 64n) - 1n;
const scratch = initialScratch();
let machine: BareMachine;
beforeAll(async () => {
  machine = await BareMachine.create();
});

interface Registers {
  readonly x?: Readonly<Record<number, bigint>>;
  readonly v?: Readonly<Record<number, bigint>>;
  readonly fpsr?: bigint;
}
function run(words: readonly number[], { x = {}, v = {}, fpsr = 0n }: Registers): Outcome {
  machine.load(0, words);
  machine.synchronize();
  const state = newState();
  for (const [index, value] of Object.entries(x)) state[STATE.X + Number(index)] = value;
  for (const [index, value] of Object.entries(v)) {
    state[STATE.V + 2 * Number(index)] = value & LANE_MASK;
    state[STATE.V + 2 * Number(index) + 1] = value >> 64n;
  }
  state[STATE.FPSR] = fpsr;
  state[STATE.PC] = BigInt(slotAddress(0));
  return machine.run(state);
}
const v = ({ state }: Outcome, index: number): bigint =>
  (state[STATE.V + 2 * index] ?? 0n) | ((state[STATE.V + 2 * index + 1] ?? 0n) << 64n);
const x = ({ state }: Outcome, index: number): bigint => state[STATE.X + index] ?? 0n;
const qc = ({ state }: Outcome): boolean => ((state[STATE.FPSR] ?? 0n) & QC) !== 0n;
/** A vector from its bytes, the lowest first. */
const fromBytes = (bytes: readonly number[]): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const repeated = (byte: number): bigint => fromBytes(new Array(16).fill(byte));
const counting = (start: number): bigint =>
  fromBytes(Array.from({ length: 16 }, (_, i) => (start + i) & 0xff));

describe('structures', () => {
  const base = BigInt(SCRATCH_BASE);
  const end = BigInt(SCRATCH_BASE + SCRATCH_BYTES);
  const LD3_POST = 0x4cdf4020; // ld3 {v0.16b-v2.16b}, [x1], #48
  const ST3 = 0x4c004040; // st3 {v0.16b-v2.16b}, [x2]
  const LD4_POST = 0x4cdf0c20; // ld4 {v0.2d-v3.2d}, [x1], #64
  const ST4_POST = 0x4c9f0c20; // st4 {v0.2d-v3.2d}, [x1], #64
  const LD2_LANE = 0x4dff5820; // ld2 {v0.h, v1.h}[7], [x1], #4

  it('are spread over registers and the base advances when LD3 is post-indexed', () => {
    const out = run([LD3_POST], { x: { 1: base + 5n } });
    for (const index of [0, 1, 2])
      expect(v(out, index)).toBe(
        fromBytes(Array.from({ length: 16 }, (_, i) => scratch[5 + 3 * i + index] ?? 0)),
      );
    expect(x(out, 1)).toBe(base + 5n + 48n);
  });

  it('come back as they were when ST3 follows LD3', () => {
    const out = run([LD3_POST, ST3], { x: { 1: base, 2: base + 0x1000n } });
    const copied = new Map(out.memory);
    for (let at = 0; at < 48; at += 8)
      expect(copied.get(0x1000 + at)).toBe(fromBytes([...scratch.slice(at, at + 8)]));
  });

  it('load nothing when a part of LD4 is not mapped', () => {
    const out = run([LD4_POST], { x: { 1: end - 32n }, v: { 0: 1n, 3: 2n } });
    expect(out.end).toBe('segv');
    expect(out.address).toBe(end);
    expect([v(out, 0), v(out, 3), x(out, 1)]).toEqual([1n, 2n, end - 32n]);
  });

  it('store nothing when a part of ST4 is not mapped', () => {
    const out = run([ST4_POST], { x: { 1: end - 32n }, v: { 0: 1n } });
    expect(out.end).toBe('segv');
    expect(out.memory).toEqual([]);
    expect(x(out, 1)).toBe(end - 32n);
  });

  it('change one lane only when LD2 loads a single structure across a page', () => {
    const at = 0x1000 - 2;
    const out = run([LD2_LANE], { x: { 1: base + BigInt(at) }, v: { 0: counting(0), 1: counting(16) } });
    const lane = (offset: number) =>
      BigInt((scratch[offset] ?? 0) | ((scratch[offset + 1] ?? 0) << 8)) << 112n;
    const low = (1n << 112n) - 1n;
    expect(v(out, 0)).toBe((counting(0) & low) | lane(at));
    expect(v(out, 1)).toBe((counting(16) & low) | lane(at + 2));
  });
});

describe('saturation', () => {
  const SQADD_16B = 0x4e220c20; // sqadd v0.16b, v1.16b, v2.16b
  const SQADD_B = 0x5e220c20; // sqadd b0, b1, b2
  const SQDMULH_4S = 0x4ea2b420; // sqdmulh v0.4s, v1.4s, v2.4s
  const SQRSHL_D = 0x5ee25c20; // sqrshl d0, d1, d2
  const UQSHL_D = 0x7ee24c20; // uqshl d0, d1, d2
  const least = 1n << 63n;
  const most = least - 1n;

  it('sets QC when one lane is out of range', () => {
    const out = run([SQADD_16B], { v: { 1: 0x7f00n, 2: 0x0100n } });
    expect(v(out, 0)).toBe(0x7f00n);
    expect(qc(out)).toBe(true);
  });

  it('leaves QC clear when only lanes above a scalar would saturate', () => {
    const out = run([SQADD_B], { v: { 1: 0x7f01n, 2: 0x7f01n } });
    expect(v(out, 0)).toBe(2n);
    expect(qc(out)).toBe(false);
  });

  it('keeps QC when a later instruction does not saturate', () => {
    expect(qc(run([SQADD_16B], { v: {}, fpsr: QC }))).toBe(true);
  });

  it('doubles the square of the most negative value to the most positive', () => {
    const out = run([SQDMULH_4S], { v: { 1: 0x8000_0000n, 2: 0x8000_0000n } });
    expect(v(out, 0)).toBe(0x7fff_ffffn);
    expect(qc(out)).toBe(true);
  });

  it.each([
    { value: 1n, by: 62, expected: 1n << 62n, saturates: false },
    { value: 1n, by: 63, expected: most, saturates: true },
    { value: least, by: 127, expected: least, saturates: true },
    { value: 0n, by: 127, expected: 0n, saturates: false },
    { value: 3n, by: -1, expected: 2n, saturates: false },
    { value: most, by: -63, expected: 1n, saturates: false },
    { value: least, by: -64, expected: 0n, saturates: false },
    { value: LANE_MASK, by: -128, expected: 0n, saturates: false },
  ])('shifts $value by $by when SQRSHL takes the amount from a register', ({ value, by, ...want }) => {
    // Only the low byte of the amount counts.
    const out = run([SQRSHL_D], { v: { 1: value, 2: BigInt.asUintN(8, BigInt(by)) | 0xab00n } });
    expect({ expected: v(out, 0), saturates: qc(out) }).toEqual(want);
  });

  it('gives all ones when UQSHL shifts a bit out', () => {
    const out = run([UQSHL_D], { v: { 1: 2n, 2: 63n } });
    expect([v(out, 0), qc(out)]).toEqual([LANE_MASK, true]);
  });
});

describe('accumulated high halves', () => {
  const SQRDMLAH_H = 0x7e428420; // sqrdmlah h0, h1, h2
  const SQRDMLSH_H = 0x7e428c20; // sqrdmlsh h0, h1, h2
  const least = 0x8000n;
  const most = 0x7fffn;

  it.each([
    {
      name: 'the product alone would saturate',
      word: SQRDMLAH_H,
      v: { 0: least, 1: least, 2: least },
      expected: 0n,
      saturates: false,
    },
    {
      name: 'the sum does',
      word: SQRDMLAH_H,
      v: { 0: 1n, 1: least, 2: least },
      expected: most,
      saturates: true,
    },
    {
      name: 'rounding does',
      word: SQRDMLAH_H,
      v: { 0: most, 1: 1n, 2: 0x4000n },
      expected: most,
      saturates: true,
    },
    {
      name: 'the difference does',
      word: SQRDMLSH_H,
      v: { 0: 0xffffn, 1: least, 2: least },
      expected: least,
      saturates: true,
    },
    {
      name: 'half a unit is subtracted',
      word: SQRDMLSH_H,
      v: { 0: 5n, 1: 1n, 2: 0x4000n },
      expected: 5n,
      saturates: false,
    },
  ])('are saturated once when $name', ({ word, v: before, expected, saturates }) => {
    const out = run([word], { v: before });
    expect([v(out, 0), qc(out)]).toEqual([expected, saturates]);
  });
});

describe('dot products', () => {
  const SIGNED = (word: number, expected: bigint) => ({ word, expected: BigInt.asUintN(32, expected) });
  it.each([
    { name: 'SDOT', ...SIGNED(0x0e829420, 4n * 1n) }, // sdot v0.2s, v1.8b, v2.8b
    { name: 'UDOT', ...SIGNED(0x2e829420, 4n * 255n * 255n) }, // udot v0.2s, v1.8b, v2.8b
    { name: 'USDOT', ...SIGNED(0x0e829c20, 4n * 255n * -1n) }, // usdot v0.2s, v1.8b, v2.8b
    { name: 'SUDOT', ...SIGNED(0x0f02f020, 4n * -1n * 255n) }, // sudot v0.2s, v1.8b, v2.4b[0]
  ])('take bytes of ones as $name says', ({ word, expected }) => {
    const out = run([word], { v: { 0: repeated(0), 1: repeated(0xff), 2: repeated(0xff) } });
    expect(v(out, 0)).toBe(expected | (expected << 32n));
  });

  it('wrap around when the sum leaves the word', () => {
    const UDOT = 0x6e829420; // udot v0.4s, v1.16b, v2.16b
    const out = run([UDOT], { v: { 0: 0xffff_ffffn, 1: 2n, 2: 1n } });
    expect([v(out, 0), qc(out)]).toEqual([1n, false]);
  });

  it('are rows by rows when matrices are multiplied', () => {
    const SMMLA = 0x4e82a420; // smmla v0.4s, v1.16b, v2.16b
    const [minusOne, two, three] = [0xffn, 2n, 3n];
    const out = run([SMMLA], { v: { 0: 0n, 1: minusOne | (two << 64n), 2: three | (1n << 120n) } });
    // Rows (−1, 0 …) and (2, 0 …) by rows (3, 0 …) and (0 …, 1).
    expect(v(out, 0)).toBe(0xffff_fffdn | (6n << 64n));
  });
});

describe('shifts by the whole lane', () => {
  const before = 0x1234_5678_9abc_def0n;
  it.each([
    { name: 'USHR', word: 0x7f400420, expected: 0n }, // ushr d0, d1, #64
    { name: 'SSHR', word: 0x5f400420, expected: LANE_MASK }, // sshr d0, d1, #64
    { name: 'SRI', word: 0x7f404420, expected: before }, // sri d0, d1, #64
  ])('leave no bit of the source when $name shifts by 64', ({ word, expected }) => {
    expect(v(run([word], { v: { 0: before, 1: (1n << 63n) | 1n } }), 0)).toBe(expected);
  });
});

describe('halves of registers', () => {
  it('clears the upper half when the arrangement has 64 bits', () => {
    const ADD_8B = 0x0e228420; // add v0.8b, v1.8b, v2.8b
    const out = run([ADD_8B], { v: { 0: repeated(0xff), 1: repeated(0x80), 2: repeated(0x81) } });
    expect(v(out, 0)).toBe(repeated(1) & LANE_MASK);
  });

  it('keeps the lower half when XTN2 writes the upper one', () => {
    const XTN2 = 0x4e212820; // xtn2 v0.16b, v1.8h
    const out = run([XTN2], { v: { 0: counting(0), 1: counting(0x40) } });
    const narrowed = Array.from({ length: 8 }, (_, i) => 0x40 + 2 * i);
    expect(v(out, 0)).toBe(fromBytes([0, 1, 2, 3, 4, 5, 6, 7, ...narrowed]));
  });
});

describe('table lookup', () => {
  const TBL2 = 0x4e032020; // tbl v0.16b, {v1.16b, v2.16b}, v3.16b
  const TBX2 = 0x4e033020; // tbx v0.16b, {v1.16b, v2.16b}, v3.16b
  const registers = {
    v: { 0: repeated(0xee), 1: counting(0x40), 2: counting(0x60), 3: fromBytes([0, 15, 16, 31, 32, 255]) },
  };
  const found = [0x40, 0x4f, 0x60, 0x6f];

  it('gives zero when TBL looks beyond the table', () => {
    expect(v(run([TBL2], registers), 0)).toBe(fromBytes([...found, 0, 0, ...new Array(10).fill(0x40)]));
  });
  it('keeps the byte when TBX looks beyond the table', () => {
    expect(v(run([TBX2], registers), 0)).toBe(fromBytes([...found, 0xee, 0xee, ...new Array(10).fill(0x40)]));
  });
});

describe('modified immediates', () => {
  it.each([
    { op: 0, mode: 0b0110, imm8: 0xab, expected: 0xab00_0000_ab00_0000n },
    { op: 0, mode: 0b1010, imm8: 0xab, expected: 0xab00_ab00_ab00_ab00n },
    { op: 0, mode: 0b1101, imm8: 0xab, expected: 0x00ab_ffff_00ab_ffffn },
    { op: 0, mode: 0b1110, imm8: 0xab, expected: 0xabab_abab_abab_ababn },
    { op: 1, mode: 0b1110, imm8: 0xa5, expected: 0xff00_ff00_00ff_00ffn },
    // 1.0 and −0.125 (VFPExpandImm).
    { op: 0, mode: 0b1111, imm8: 0x70, expected: 0x3f80_0000_3f80_0000n },
    { op: 1, mode: 0b1111, imm8: 0xc0, expected: 0xbfc0_0000_0000_0000n },
  ])('expand to $expected when op is $op, cmode $mode and imm8 $imm8', ({ op, mode, imm8, expected }) => {
    expect(expandImmediate(op, mode, imm8)).toBe(expected);
  });
});

describe('the rows', () => {
  const rows = [
    ...simdCopyPermute,
    ...simdLoadsStores,
    ...simdShiftImmediate,
    ...simdThreeSame,
    ...simdTwoRegister,
    ...simdWidening,
    ...simdByElement,
  ];

  it('are all reached by the decoder', () => {
    const shadowed = rows.filter((row) => {
      const word = wordOf(row);
      return word === undefined || a64Decoder.decode(word)?.row !== row;
    });
    expect(shadowed.map((row) => row.name)).toEqual([]);
  });

  it('ask whether FP is enabled before anything else', () => {
    const late = rows.filter((row) => {
      const semantics = new Semantics({
        register: () => 0,
        number: () => 0,
        branch: () => ({ name: '', kind: 'branch' }),
      });
      const fields: Record<string, unknown> = { ...extractFields(row.pattern, wordOf(row) ?? 0) };
      for (const field of row.registers) fields[field] = { field, number: 0 };
      for (const name of Object.keys(row.specialise)) fields[name] = 0;
      for (const [name, { kind }] of Object.entries(row.operands))
        fields[name] = kind === 'i64' ? semantics.i64(0) : semantics.i32(0);
      row.execute(fields, semantics);
      const trap = semantics.body.nodes.find(
        ({ operation }) => operation.op !== 'const' && operation.op !== 'state.load',
      );
      return trap?.operation.op !== 'if' || trap.operation.then.nodes[0]?.operation.op !== 'call';
    });
    expect(late.map((row) => row.name)).toEqual([]);
  });
});

/** A word of the row: its fixed bits, with choosing fields that are allocated and registers other than SP. */
function wordOf(row: Row): number | undefined {
  const chosen = row.pattern.fields.filter(({ name }) => row.choosing.includes(name));
  const total = chosen.reduce((product, { width }) => product << width, 1);
  for (let index = 0; index < total; index++) {
    let rest = index;
    let word = row.pattern.value;
    for (const { low, width } of chosen) {
      word |= (rest & ((1 << width) - 1)) << low;
      rest >>= width;
    }
    if (row.when(extractFields(row.pattern, word))) return word >>> 0;
  }
  return undefined;
}
