/**
 * Arm ARM C4.1.97: Advanced SIMD two-register miscellaneous, its scalar forms, across lanes, and scalar pairwise:
 * integer.
 */
import type { V128 } from '../../ir/ir.ts';
import { type RawFields, type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import {
  compare,
  countLeadingSignBits,
  countLeadingZeros,
  type LaneOperation,
  longPairs,
  type Narrowing,
  narrowSaturating,
  native,
  reduce,
  reverseBits,
  saturating,
  saturatingAccumulate,
  type UnaryLaneOperation,
} from './simd-lanes.ts';
import { laneSizes, vectorSizes } from './simd-rows.ts';
import {
  arrangement,
  LANE_LETTERS,
  type Lanes,
  lanesIn,
  lanewise,
  notV,
  packHalves,
  readLanes,
  SCALAR,
  SCALAR_WIDE,
  SECOND,
  scalar,
  shuffle,
  sizeOf,
  T,
  TA,
  V_BITS,
  V_BYTES,
  writeLanes,
  zeroV,
} from './simd-shared.ts';

const DOUBLE = 3;

interface TwoRegister {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly sizes: string;
  readonly scalar?: string;
  /** What the syntax shows after the source. */
  readonly suffix?: string;
  readonly op: UnaryLaneOperation;
}

/** Reverses the lanes within containers of `bits` bits. */
const reverseWithin =
  (bits: number): UnaryLaneOperation =>
  (b, l, x) => {
    const container = bits / 8;
    const lane = l.bits / 8;
    return shuffle(b, x, x, (at) => {
      const inside = at % container;
      const reversed = container - lane - (inside - (inside % lane)) + (inside % lane);
      return at - inside + reversed;
    });
  };
const withZero =
  (op: LaneOperation): UnaryLaneOperation =>
  (b, l, x, old) =>
    op(b, l, x, zeroV(b), old);
const simple =
  (name: string): UnaryLaneOperation =>
  (b, l, x) =>
    lanewise(b, l, name, x);

// biome-ignore format: a table
const TWO_REGISTER: readonly TwoRegister[] = [
  { name: 'rev64', u: '0', opcode: '00000', sizes: 'bhs', op: reverseWithin(64) },
  { name: 'rev32', u: '1', opcode: '00000', sizes: 'bh', op: reverseWithin(32) },
  { name: 'rev16', u: '0', opcode: '00001', sizes: 'b', op: reverseWithin(16) },
  { name: 'suqadd', u: '0', opcode: '00011', sizes: 'bhsd', scalar: 'bhsd', op: saturatingAccumulate('s') },
  { name: 'usqadd', u: '1', opcode: '00011', sizes: 'bhsd', scalar: 'bhsd', op: saturatingAccumulate('u') },
  { name: 'cls', u: '0', opcode: '00100', sizes: 'bhs', op: countLeadingSignBits },
  { name: 'clz', u: '1', opcode: '00100', sizes: 'bhs', op: countLeadingZeros },
  { name: 'cnt', u: '0', opcode: '00101', sizes: 'b', op: simple('popcnt') },
  { name: 'sqabs', u: '0', opcode: '00111', sizes: 'bhsd', scalar: 'bhsd', op: saturating('abs') },
  { name: 'sqneg', u: '1', opcode: '00111', sizes: 'bhsd', scalar: 'bhsd', op: saturating('neg') },
  { name: 'cmgt', u: '0', opcode: '01000', sizes: 'bhsd', scalar: 'd', suffix: ', #0', op: withZero(compare('gt')) },
  { name: 'cmge', u: '1', opcode: '01000', sizes: 'bhsd', scalar: 'd', suffix: ', #0', op: withZero(compare('ge')) },
  { name: 'cmeq', u: '0', opcode: '01001', sizes: 'bhsd', scalar: 'd', suffix: ', #0', op: withZero(compare('eq')) },
  { name: 'cmle', u: '1', opcode: '01001', sizes: 'bhsd', scalar: 'd', suffix: ', #0', op: withZero(compare('le')) },
  { name: 'cmlt', u: '0', opcode: '01010', sizes: 'bhsd', scalar: 'd', suffix: ', #0', op: withZero(compare('lt')) },
  { name: 'abs', u: '0', opcode: '01011', sizes: 'bhsd', scalar: 'd', op: simple('abs') },
  { name: 'neg', u: '1', opcode: '01011', sizes: 'bhsd', scalar: 'd', op: simple('neg') },
];
const title = ({ name, suffix }: TwoRegister) => `${name.toUpperCase()}${suffix ? ' (zero)' : ''}`;

const vectors: Row[] = TWO_REGISTER.map((t) =>
  row(
    `${title(t)} (vector)`,
    `0 Q:1 ${t.u} 01110 size:2 10000 ${t.opcode as '00000'} 10 Rn:5 Rd:5`,
    `${t.name} <Vd>.${T}, <Vn>.${T}${t.suffix ?? ''}`,
    {
      fp: true,
      when: vectorSizes(t.sizes),
      execute: ({ Q, size, Rn, Rd }, b) => {
        const l = arrangement(size, Q);
        writeLanes(
          b,
          l,
          Rd,
          t.op(b, l, readLanes(b, l, Rn), () => readLanes(b, l, Rd)),
        );
      },
    },
  ),
);
const scalars: Row[] = TWO_REGISTER.filter((t) => t.scalar).map((t) =>
  row(
    `${title(t)} (scalar)`,
    `01 ${t.u} 11110 size:2 10000 ${t.opcode as '00000'} 10 Rn:5 Rd:5`,
    `${t.name} ${SCALAR}<Rd>, ${SCALAR}<Rn>${t.suffix ?? ''}`,
    {
      fp: true,
      when: laneSizes(t.scalar ?? ''),
      execute: ({ size, Rn, Rd }, b) => {
        const l = scalar(size);
        writeLanes(
          b,
          l,
          Rd,
          t.op(b, l, readLanes(b, l, Rn), () => readLanes(b, l, Rd)),
        );
      },
    },
  ),
);

/** NOT and RBIT: the size field belongs to the opcode. */
const BITWISE = [
  { name: 'not', size: '00', op: ((b, _, x) => notV(b, x)) as UnaryLaneOperation },
  { name: 'rbit', size: '01', op: reverseBits },
] as const;
const bitwise: Row[] = BITWISE.map(({ name, size, op }) =>
  row(
    `${name.toUpperCase()} (vector)`,
    `0 Q:1 1 01110 ${size} 10000 00101 10 Rn:5 Rd:5`,
    `${name} <Vd>.<Q:8b|16b>, <Vn>.<Q:8b|16b>`,
    {
      fp: true,
      execute: ({ Q, Rn, Rd }, b) => {
        const l = arrangement(0, Q);
        const x = readLanes(b, l, Rn);
        writeLanes(
          b,
          l,
          Rd,
          op(b, l, x, () => x),
        );
      },
    },
  ),
);

/** Sums of neighbours in wide lanes, alone or accumulated. */
const LONG_PAIRS = [
  { name: 'saddlp', u: '0', opcode: '00010', sign: 's', accumulate: false },
  { name: 'uaddlp', u: '1', opcode: '00010', sign: 'u', accumulate: false },
  { name: 'sadalp', u: '0', opcode: '00110', sign: 's', accumulate: true },
  { name: 'uadalp', u: '1', opcode: '00110', sign: 'u', accumulate: true },
] as const;
/** Half as many lanes of twice the width. */
const pairsOf = (l: Lanes): Lanes => lanesIn(l.bits * l.count, sizeOf(l) + 1);
const longPairRows: Row[] = LONG_PAIRS.map(({ name, u, opcode, sign, accumulate }) =>
  row(
    name.toUpperCase(),
    `0 Q:1 ${u} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    `${name} <Vd>.<size.Q:4h|8h|2s|4s|1d|2d>, <Vn>.${T}`,
    {
      fp: true,
      when: laneSizes('bhs'),
      execute: ({ Q, size, Rn, Rd }, b) => {
        const l = arrangement(size, Q);
        const wide = pairsOf(l);
        const sums = longPairs(b, l, readLanes(b, l, Rn), sign);
        writeLanes(b, wide, Rd, accumulate ? lanewise(b, wide, 'add', readLanes(b, wide, Rd), sums) : sums);
      },
    },
  ),
);

// ---- Narrowing ----

const NARROWING: readonly {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly saturation?: Narrowing;
}[] = [
  { name: 'xtn', u: '0', opcode: '10010' },
  { name: 'sqxtun', u: '1', opcode: '10010', saturation: 'signedToUnsigned' },
  { name: 'sqxtn', u: '0', opcode: '10100', saturation: 'signed' },
  { name: 'uqxtn', u: '1', opcode: '10100', saturation: 'unsigned' },
];
const narrowing: Row[] = NARROWING.flatMap(({ name, u, opcode, saturation }) => {
  const compute = (b: Semantics, wide: Lanes, x: V128, old?: V128) =>
    saturation ? narrowSaturating(b, wide, x, saturation, old) : packHalves(b, wide, x, 0, old);
  const vector = row(
    `${name.toUpperCase()}, ${name.toUpperCase()}2`,
    `0 Q:1 ${u} 01110 size:2 10000 ${opcode as '00000'} 10 Rn:5 Rd:5`,
    `${name}${SECOND} <Vd>.${T}, <Vn>.${TA}`,
    {
      fp: true,
      when: laneSizes('bhs'),
      execute: ({ Q, size, Rn, Rd }, b) =>
        b.setV(Rd, compute(b, lanesIn(V_BITS, size + 1), b.V(Rn), Q ? b.V(Rd) : undefined)),
    },
  );
  if (!saturation) return [vector];
  return [
    vector,
    row(
      `${name.toUpperCase()} (scalar)`,
      `01 ${u} 11110 size:2 10000 ${opcode as '00000'} 10 Rn:5 Rd:5`,
      `${name} ${SCALAR}<Rd>, ${SCALAR_WIDE}<Rn>`,
      {
        fp: true,
        when: laneSizes('bhs'),
        execute: ({ size, Rn, Rd }, b) => {
          const wide = scalar(size + 1);
          writeLanes(b, scalar(size), Rd, compute(b, wide, readLanes(b, wide, Rn)));
        },
      },
    ),
  ];
});

/** SHLL: to lanes twice as wide, shifted by the width of the narrow ones: they become the high halves. */
const shiftLeftLong: Row = row(
  'SHLL, SHLL2',
  '0 Q:1 1 01110 size:2 10000 10011 10 Rn:5 Rd:5',
  `shll${SECOND} <Vd>.${TA}, <Vn>.${T}, #<size:8|16|32>`,
  {
    fp: true,
    when: laneSizes('bhs'),
    execute: ({ Q, size, Rn, Rd }, b) => {
      const bytes = 1 << size;
      const from = Q ? V_BYTES / 2 : 0;
      const interleaved = shuffle(b, b.V(Rn), zeroV(b), (at) => {
        const inside = at % (2 * bytes);
        if (inside < bytes) return V_BYTES;
        return from + Math.floor(at / (2 * bytes)) * bytes + inside - bytes;
      });
      b.setV(Rd, interleaved);
    },
  },
);

// ---- Across lanes ----

const ACROSS = [
  { name: 'addv', u: '0', opcode: '11011', op: native('add') },
  { name: 'smaxv', u: '0', opcode: '01010', op: native('max_s') },
  { name: 'umaxv', u: '1', opcode: '01010', op: native('max_u') },
  { name: 'sminv', u: '0', opcode: '11010', op: native('min_s') },
  { name: 'uminv', u: '1', opcode: '11010', op: native('min_u') },
] as const;
const LONG_ACROSS = [
  { name: 'saddlv', u: '0', sign: 's' },
  { name: 'uaddlv', u: '1', sign: 'u' },
] as const;
/** At least four lanes: no 2S. */
const acrossSizes = ({ size = 0, Q = 0 }: RawFields) => size < 2 || (size === 2 && Q === 1);
const across: Row[] = [
  ...ACROSS.map(({ name, u, opcode, op }) =>
    row(
      name.toUpperCase(),
      `0 Q:1 ${u} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5`,
      `${name} ${SCALAR}<Rd>, <Vn>.${T}`,
      {
        fp: true,
        when: acrossSizes,
        execute: ({ Q, size, Rn, Rd }, b) => {
          const l = arrangement(size, Q);
          writeLanes(b, scalar(size), Rd, reduce(b, l, readLanes(b, l, Rn), op));
        },
      },
    ),
  ),
  ...LONG_ACROSS.map(({ name, u, sign }) =>
    row(
      name.toUpperCase(),
      `0 Q:1 ${u} 01110 size:2 11000 00011 10 Rn:5 Rd:5`,
      `${name} ${SCALAR_WIDE}<Rd>, <Vn>.${T}`,
      {
        fp: true,
        when: acrossSizes,
        execute: ({ Q, size, Rn, Rd }, b) => {
          const l = arrangement(size, Q);
          const sums = longPairs(b, l, readLanes(b, l, Rn), sign);
          writeLanes(b, scalar(size + 1), Rd, reduce(b, pairsOf(l), sums, native('add')));
        },
      },
    ),
  ),
];

const pairwise: Row = row(
  'ADDP (scalar)',
  '01 0 11110 11 11000 11011 10 Rn:5 Rd:5',
  `addp d<Rd>, <Vn>.2${LANE_LETTERS[DOUBLE]}`,
  {
    fp: true,
    execute: ({ Rn, Rd }, b) =>
      writeLanes(b, scalar(DOUBLE), Rd, reduce(b, arrangement(DOUBLE, 1), b.V(Rn), native('add'))),
  },
);

export const simdTwoRegister: readonly Row[] = [
  ...vectors,
  ...scalars,
  ...bitwise,
  ...longPairRows,
  ...narrowing,
  shiftLeftLong,
  ...across,
  pairwise,
];
