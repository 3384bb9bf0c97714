/**
 * System registers that the kernel reads and writes all the time, without a call: their value is a cell of the state
 * block. Whatever needs more than that (an access that traps, an interrupt that becomes unmasked) goes the general
 * way, which these rows only shorten.
 */
import type { I32 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { CELL_OFFSET } from '../../layout/system-register-cells.ts';
import type { FeatureName } from '../features.ts';
import { type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';

const flag = (b: Semantics, cell: number) => b.stateLoad<'i32'>('i32', cell);
const always = (b: Semantics) => b.i32(1);
const atEl1 = (b: Semantics) => flag(b, CPU.EL);
/** SP_EL0 can be named only while SP is another one. */
const usingOwnSp = (b: Semantics) => b.and(flag(b, CPU.EL), flag(b, CPU.SPSEL));

interface DirectRegister {
  readonly name: string;
  /** op0, op1, CRn, CRm, op2. */
  readonly encoding: readonly [number, number, number, number, number];
  readonly cell: number;
  /** Whether the access is allowed, as an i32 that is not zero. */
  readonly allowed: (b: Semantics) => I32;
  /** Every bit can be written, and nothing follows from it. */
  readonly plainWrite: boolean;
  readonly feature?: FeatureName;
}

/** The kernel changes its key at every entry from a program and back. */
const KERNEL_KEY = [
  ['APIAKEYLO_EL1', 0],
  ['APIAKEYHI_EL1', 1],
] as const;

const systemCell = (name: keyof typeof CELL_OFFSET) => CPU.SYSTEM_REGISTERS + CELL_OFFSET[name];
const REGISTERS: readonly DirectRegister[] = [
  { name: 'TPIDR_EL0', encoding: [3, 3, 13, 0, 2], cell: CPU.TPIDR_EL0, allowed: always, plainWrite: true },
  { name: 'TPIDR_EL1', encoding: [3, 0, 13, 0, 4], cell: CPU.TPIDR_EL1, allowed: atEl1, plainWrite: true },
  { name: 'SP_EL0', encoding: [3, 0, 4, 1, 0], cell: CPU.SP_EL0, allowed: usingOwnSp, plainWrite: true },
  {
    name: 'ELR_EL1',
    encoding: [3, 0, 4, 0, 1],
    cell: systemCell('ELR_EL1'),
    allowed: atEl1,
    plainWrite: true,
  },
  {
    name: 'SPSR_EL1',
    encoding: [3, 0, 4, 0, 0],
    cell: systemCell('SPSR_EL1'),
    allowed: atEl1,
    plainWrite: false,
  },
  {
    name: 'ESR_EL1',
    encoding: [3, 0, 5, 2, 0],
    cell: systemCell('ESR_EL1'),
    allowed: atEl1,
    plainWrite: false,
  },
  {
    name: 'FAR_EL1',
    encoding: [3, 0, 6, 0, 0],
    cell: systemCell('FAR_EL1'),
    allowed: atEl1,
    plainWrite: true,
  },
  ...KERNEL_KEY.map(
    ([name, op2]): DirectRegister => ({
      name,
      encoding: [3, 0, 2, 1, op2],
      cell: systemCell(name),
      allowed: atEl1,
      plainWrite: true,
      feature: 'FEAT_PAuth',
    }),
  ),
];

const bits = (value: number, width: number) => value.toString(2).padStart(width, '0');
/** Bits 20:5 of MRS and MSR (register). */
function encodingBits([op0, op1, crn, crm, op2]: DirectRegister['encoding']): string {
  return `1 ${bits(op0 - 2, 1)} ${bits(op1, 3)} ${bits(crn, 4)} ${bits(crm, 4)} ${bits(op2, 3)}`;
}
const keyOf = ([op0, op1, crn, crm, op2]: DirectRegister['encoding']): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

const registers: Row[] = REGISTERS.flatMap(({ name, encoding, cell, allowed, plainWrite, feature }) => {
  const belongs = feature && { feature };
  const refuse = (b: Semantics, helper: 'systemRead' | 'systemWrite', slot: I32) =>
    b.if(
      b.eqz(allowed(b)),
      () => b.callRuntime(helper, [b.i32(keyOf(encoding)), slot]),
      undefined,
      'unlikely',
    );
  const read = row(
    `MRS ${name}`,
    `1101010100 1 ${encodingBits(encoding) as '1'} Rt:5`,
    `mrs <Xt>, ${name.toLowerCase()}`,
    {
      hot: feature === undefined,
      ...belongs,
      execute: ({ Rt }, b) => {
        refuse(b, 'systemRead', b.slotNumber(Rt, 'destination'));
        b.setX(Rt, b.stateLoad('i64', cell));
      },
    },
  );
  if (!plainWrite) return [read];
  const write = row(
    `MSR ${name}`,
    `1101010100 0 ${encodingBits(encoding) as '1'} Rt:5`,
    `msr ${name.toLowerCase()}, <Xt>`,
    {
      ...belongs,
      execute: ({ Rt }, b) => {
        refuse(b, 'systemWrite', b.slotNumber(Rt, 'source'));
        b.stateStore('i64', cell, b.X(Rt));
      },
    },
  );
  return [read, write];
});

// ---- FPCR and FPSR ----

const FP_REGISTERS = [
  { name: 'FPCR', encoding: [3, 3, 4, 4, 0], cell: CPU.FPCR },
  { name: 'FPSR', encoding: [3, 3, 4, 4, 1], cell: CPU.FPSR },
] as const;

/** The C library's sine looks at the rounding mode first. */
const fpRegisters: Row[] = FP_REGISTERS.map(({ name, encoding, cell }) =>
  row(
    `MRS ${name}`,
    `1101010100 1 ${encodingBits(encoding) as '1'} Rt:5`,
    `mrs <Xt>, ${name.toLowerCase()}`,
    { fp: true, execute: ({ Rt }, b) => b.setX(Rt, b.zeroExtend(flag(b, cell))) },
  ),
);

// ---- Counters ----

/** The virtual offset is zero, so both counters read the same; EL0 asks CNTKCTL_EL1 (Arm ARM D17.8). */
const COUNTERS = [
  { name: 'CNTPCT_EL0', encoding: [3, 3, 14, 0, 1], enable: 1 << 0 },
  { name: 'CNTVCT_EL0', encoding: [3, 3, 14, 0, 2], enable: 1 << 1 },
] as const;

/** Programs ask for the time through the vDSO millions of times; only the host's clock is called then. */
const counters: Row[] = COUNTERS.map(({ name, encoding, enable }) =>
  row(
    `MRS ${name}`,
    `1101010100 1 ${encodingBits(encoding) as '1'} Rt:5`,
    `mrs <Xt>, ${name.toLowerCase()}`,
    {
      execute: ({ Rt }, b) => {
        const enabled = b.and(flag(b, systemCell('CNTKCTL_EL1')), b.i32(enable));
        b.if(
          b.or(flag(b, CPU.EL), enabled),
          () => {
            b.callNoResult('counter', [b.fuel()]);
            const count = b.stateLoad<'f64'>('f64', CPU.SCRATCH);
            b.setX(Rt, b.numeric<'i64'>('i64.trunc_sat_f64_s', [count]));
          },
          () => b.callRuntime('systemRead', [b.i32(keyOf(encoding)), b.slotNumber(Rt, 'destination')]),
          'likely',
        );
      },
    },
  ),
);

/** PSTATE.D, A, I and F as in the register DAIF. */
const DAIF_BITS = 0x3c0;
const DAIF_SHIFT = 6;
const DAIF_KEY = keyOf([3, 3, 4, 2, 1]);
const DAIF_SET = 0o36;
const DAIF_CLEAR = 0o37;
/** MDSCR_EL1.SS: with software step armed, PSTATE.D is more than a mask. */
const SOFTWARE_STEP = 1;

const notStepping = (b: Semantics) => b.eqz(b.and(flag(b, systemCell('MDSCR_EL1')), b.i32(SOFTWARE_STEP)));
/** Masking may be done here, and unmasking while no interrupt waits. */
const mayMask = (b: Semantics) => b.and(b.ne(flag(b, CPU.EL), b.i32(0)), notStepping(b));
const mayUnmask = (b: Semantics) => b.and(mayMask(b), b.eqz(flag(b, CPU.INTERRUPT_LINES)));

const daifImmediate = (name: string, op2: '110' | '111', field: number): Row =>
  row(`MSR ${name}`, `1101010100 0 00 011 0100 CRm:4 ${op2} 11111`, `msr ${name.toLowerCase()}, #<CRm:hex>`, {
    hot: true,
    operands: {
      mask: u16(['CRm'], ({ CRm = 0 }) => CRm << DAIF_SHIFT),
      value: u16(['CRm'], ({ CRm = 0 }) => CRm),
    },
    execute: ({ mask, value }, b) => {
      const clear = field === DAIF_CLEAR;
      const old = flag(b, CPU.DAIF);
      const changed = clear ? b.and(old, b.not(mask)) : b.or(old, mask);
      b.if(
        clear ? mayUnmask(b) : mayMask(b),
        () => b.stateStore('i32', CPU.DAIF, changed),
        () => b.callRuntime('systemImmediate', [b.i32(field), value]),
        'likely',
      );
    },
  });

const daif: Row[] = [
  daifImmediate('DAIFSet', '110', DAIF_SET),
  daifImmediate('DAIFClr', '111', DAIF_CLEAR),
  row('MRS DAIF', '1101010100 1 1 1 011 0100 0010 001 Rt:5', 'mrs <Xt>, daif', {
    hot: true,
    execute: ({ Rt }, b) => {
      b.if(
        b.eqz(flag(b, CPU.EL)),
        () => b.callRuntime('systemRead', [b.i32(DAIF_KEY), b.slotNumber(Rt, 'destination')]),
        () => b.setX(Rt, b.zeroExtend(b.and(flag(b, CPU.DAIF), b.i32(DAIF_BITS)))),
        'unlikely',
      );
    },
  }),
  row('MSR DAIF', '1101010100 0 1 1 011 0100 0010 001 Rt:5', 'msr daif, <Xt>', {
    hot: true,
    execute: ({ Rt }, b) => {
      b.if(
        mayUnmask(b),
        () => b.stateStore('i32', CPU.DAIF, b.and(b.W(Rt), b.i32(DAIF_BITS))),
        () => b.callRuntime('systemWrite', [b.i32(DAIF_KEY), b.slotNumber(Rt, 'source')]),
        'likely',
      );
    },
  }),
];

export const directRegisters: readonly Row[] = [...registers, ...fpRegisters, ...counters, ...daif];
