/**
 * PSTATE fields as registers, stack pointers, thread identities, FPCR and FPSR.
 */
import { CPU } from '../../layout/cpu-state.ts';
import { readNzcv, SPSR, selectMode, writeNzcv } from '../pstate.ts';
import { CONTINUE, RESYNC, type StepResult } from '../runtime.ts';
import { GATE, type SystemContext, type SystemRegister } from './row.ts';

const ALL = 0xffff_ffff_ffff_ffffn;
/** AHP DN FZ RMode FZ16; trap enables, Len and Stride are not implemented. */
const FPCR_WRITABLE = 0x07c8_0000n;
const FPCR_FZ16 = 1 << 19;
/** QC IDC IXC UFC OFC DZC IOC; N Z C V belong to AArch32. */
const FPSR_WRITABLE = 0x0800_009fn;

/** A PSTATE bit that stands alone in its register, at the place SPSR has it. */
export function writePstateBit(
  c: SystemContext,
  field: 'PAN' | 'UAO' | 'SSBS' | 'DIT',
  value: boolean,
): StepResult {
  c.state.set(CPU[field], value ? 1 : 0);
  if (field === 'SSBS' || field === 'DIT') return CONTINUE;
  c.context.pstateChanged();
  return RESYNC;
}

/** Generated code that has SP in a local must be left: another register is SP now. */
export function writeSpsel(c: SystemContext, spsel: number): StepResult {
  selectMode(c.state, c.state.get(CPU.EL), spsel);
  return RESYNC;
}

export function writeDaif(c: SystemContext, daif: number): StepResult {
  c.state.set(CPU.DAIF, daif & SPSR.DAIF);
  c.context.interruptsChanged();
  return c.context.steppingChanged() ? RESYNC : CONTINUE;
}

function floatingPointChanged(c: SystemContext): StepResult {
  c.context.floatingPointChanged();
  return CONTINUE;
}

/** FZ16 is RES0 without half-precision arithmetic. */
function modesChanged(c: SystemContext): StepResult {
  if (!c.features.has('FEAT_FP16')) c.state.set(CPU.FPCR, c.state.get(CPU.FPCR) & ~FPCR_FZ16);
  return floatingPointChanged(c);
}

const RANDOM_BYTES = 8;

/** The host's source never runs dry, so that NZCV, which the row of MRS sets, always says success. */
function randomNumber(c: SystemContext): number {
  const bytes = new Uint8Array(RANDOM_BYTES);
  c.entropy.fill(bytes);
  const view = new DataView(bytes.buffer);
  c.hi = view.getInt32(4, true);
  return view.getInt32(0, true);
}

export const PSTATE_REGISTERS: readonly SystemRegister[] = [
  ...(['RNDR', 'RNDRRS'] as const).map(
    (name, op2): SystemRegister => ({
      name,
      feature: 'FEAT_RNG',
      encoding: [3, 3, 2, 4, op2],
      access: 'EL0 RO',
      read: randomNumber,
    }),
  ),
  {
    name: 'NZCV',
    encoding: [3, 3, 4, 2, 0],
    access: 'EL0 RW',
    read: (c) => readNzcv(c.state),
    write: (c, lo) => {
      writeNzcv(c.state, lo);
      return CONTINUE;
    },
  },
  {
    name: 'DAIF',
    encoding: [3, 3, 4, 2, 1],
    access: 'EL0 RW',
    gate: GATE.uma,
    read: (c) => c.state.get(CPU.DAIF) & SPSR.DAIF,
    write: writeDaif,
  },
  {
    name: 'CurrentEL',
    encoding: [3, 0, 4, 2, 2],
    access: 'EL1 RO',
    read: (c) => c.state.get(CPU.EL) << SPSR.EL_SHIFT,
  },
  {
    name: 'SPSel',
    encoding: [3, 0, 4, 2, 0],
    access: 'EL1 RW',
    read: (c) => c.state.get(CPU.SPSEL),
    write: (c, lo) => writeSpsel(c, lo & 1),
  },
  {
    name: 'PAN',
    feature: 'FEAT_PAN',
    encoding: [3, 0, 4, 2, 3],
    access: 'EL1 RW',
    read: (c) => (c.state.get(CPU.PAN) ? SPSR.PAN : 0),
    write: (c, lo) => writePstateBit(c, 'PAN', (lo & SPSR.PAN) !== 0),
  },
  {
    name: 'UAO',
    feature: 'FEAT_UAO',
    encoding: [3, 0, 4, 2, 4],
    access: 'EL1 RW',
    read: (c) => (c.state.get(CPU.UAO) ? SPSR.UAO : 0),
    write: (c, lo) => writePstateBit(c, 'UAO', (lo & SPSR.UAO) !== 0),
  },
  {
    name: 'SSBS',
    feature: 'FEAT_SSBS2',
    encoding: [3, 3, 4, 2, 6],
    access: 'EL0 RW',
    read: (c) => (c.state.get(CPU.SSBS) ? SPSR.SSBS : 0),
    write: (c, lo) => writePstateBit(c, 'SSBS', (lo & SPSR.SSBS) !== 0),
  },
  {
    name: 'DIT',
    feature: 'FEAT_DIT',
    encoding: [3, 3, 4, 2, 5],
    access: 'EL0 RW',
    read: (c) => (c.state.get(CPU.DIT) ? SPSR.DIT : 0),
    write: (c, lo) => writePstateBit(c, 'DIT', (lo & SPSR.DIT) !== 0),
  },
  {
    // UNDEFINED while it is the current stack pointer: see available().
    name: 'SP_EL0',
    encoding: [3, 0, 4, 1, 0],
    access: 'EL1 RW',
    field: 'SP_EL0',
    writable: ALL,
    available: (s) => s.get(CPU.SPSEL) !== 0,
  },
  { name: 'TPIDR_EL0', encoding: [3, 3, 13, 0, 2], access: 'EL0 RW', field: 'TPIDR_EL0', writable: ALL },
  {
    name: 'TPIDRRO_EL0',
    encoding: [3, 3, 13, 0, 3],
    access: 'EL0 RO, EL1 RW',
    field: 'TPIDRRO_EL0',
    writable: ALL,
  },
  { name: 'TPIDR_EL1', encoding: [3, 0, 13, 0, 4], access: 'EL1 RW', field: 'TPIDR_EL1', writable: ALL },
  {
    name: 'SCXTNUM_EL0',
    feature: 'FEAT_CSV2_2',
    encoding: [3, 3, 13, 0, 7],
    access: 'EL0 RW',
    gate: GATE.scxtnum,
    cell: 'SCXTNUM_EL0',
    writable: ALL,
  },
  {
    name: 'SCXTNUM_EL1',
    feature: 'FEAT_CSV2_2',
    encoding: [3, 0, 13, 0, 7],
    access: 'EL1 RW',
    cell: 'SCXTNUM_EL1',
    writable: ALL,
  },
  {
    name: 'FPCR',
    encoding: [3, 3, 4, 4, 0],
    access: 'EL0 RW',
    floatingPoint: true,
    field: 'FPCR',
    writable: FPCR_WRITABLE,
    written: modesChanged,
  },
  {
    name: 'FPSR',
    encoding: [3, 3, 4, 4, 1],
    access: 'EL0 RW',
    floatingPoint: true,
    field: 'FPSR',
    writable: FPSR_WRITABLE,
    written: floatingPointChanged,
  },
];
