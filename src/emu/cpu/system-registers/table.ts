/**
 * All system registers of this CPU, and the flat form in which they are looked up by encoding.
 */
import { type FeatureSet, has } from '../../isa/features.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { type StepResult, systemKey } from '../runtime.ts';
import { type CpuState, cellOffset } from '../state.ts';
import { CONTROL } from './control.ts';
import { DEBUG } from './debug.ts';
import { GIC } from './gic.ts';
import { IDENTIFICATION } from './identification.ts';
import { PSTATE_REGISTERS } from './pstate-registers.ts';
import type { Access, Gate, SystemContext, SystemRegister } from './row.ts';
import { TIMER } from './timer.ts';

export const SYSTEM_REGISTERS: readonly SystemRegister[] = [
  ...IDENTIFICATION,
  ...CONTROL,
  ...PSTATE_REGISTERS,
  ...DEBUG,
  ...TIMER,
  ...GIC,
];

/** The lowest level that may read, and write; NOBODY for neither. */
const NOBODY = 4;
const RIGHTS: Readonly<Record<Access, readonly [read: number, write: number]>> = {
  'EL1 RO': [1, NOBODY],
  'EL1 WO': [NOBODY, 1],
  'EL1 RW': [1, 1],
  'EL0 RO': [0, NOBODY],
  'EL0 RW': [0, 0],
  'EL0 RO, EL1 RW': [0, 1],
};

/** A row made flat: masks as halves, storage as an offset in the state block (0 = not stored). */
export interface CompiledRegister {
  readonly name: string;
  readonly readLevel: number;
  readonly writeLevel: number;
  readonly gate: Gate | undefined;
  readonly available: ((state: CpuState) => boolean) | undefined;
  readonly floatingPoint: boolean;
  readonly offset: number;
  /** Stored in 32 bits (FPCR, FPSR). */
  readonly narrow: boolean;
  readonly writableLo: number;
  readonly writableHi: number;
  /** RES1 bits, or the value of a constant register. */
  readonly fixedLo: number;
  readonly fixedHi: number;
  readonly reset: bigint;
  readonly read: ((c: SystemContext) => number) | undefined;
  readonly write: ((c: SystemContext, lo: number, hi: number) => StepResult) | undefined;
  readonly written: ((c: SystemContext) => StepResult) | undefined;
}

const NARROW_FIELDS: readonly (string | undefined)[] = ['FPCR', 'FPSR'];

function compile(row: SystemRegister, features: FeatureSet): CompiledRegister {
  const [readLevel, writeLevel] = RIGHTS[row.access];
  let fixed = row.value ?? row.res1 ?? 0n;
  let writable = row.writable ?? 0n;
  for (const { feature, bits, otherwise } of row.featureBits ?? []) {
    if (features.has(feature)) writable |= bits;
    else if (otherwise === 'res1') fixed |= bits;
  }
  const low = (value: bigint) => Number(BigInt.asIntN(32, value));
  return {
    name: row.name,
    readLevel,
    writeLevel,
    gate: row.gate,
    available: row.available,
    floatingPoint: row.floatingPoint ?? false,
    offset: row.cell ? cellOffset(row.cell) : row.field ? CPU[row.field] : 0,
    narrow: NARROW_FIELDS.includes(row.field),
    writableLo: low(writable),
    writableHi: low(writable >> 32n),
    fixedLo: low(fixed),
    fixedHi: low(fixed >> 32n),
    reset: row.reset ?? fixed,
    read: row.read,
    write: row.write,
    written: row.written,
  };
}

const KEYS = 1 << 16;

/** The registers of a CPU with these features. */
export class SystemRegisters {
  /** Registers with storage in the state block, for reset. */
  readonly stored: readonly CompiledRegister[];
  private readonly registers: readonly CompiledRegister[];
  /** Encoding → 1 + index, 0 where there is no register. */
  private readonly byKey = new Uint16Array(KEYS);

  constructor(features: FeatureSet) {
    const rows = SYSTEM_REGISTERS.filter(({ feature }) => has(features, feature));
    this.registers = rows.map((row) => compile(row, features));
    this.stored = this.registers.filter((register) => register.offset !== 0);
    rows.forEach((row, index) => {
      this.byKey[systemKey(...row.encoding)] = index + 1;
    });
  }

  find(key: number): CompiledRegister | undefined {
    return this.registers[this.byKey[key]! - 1];
  }
}
