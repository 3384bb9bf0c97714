/**
 * MRS, MSR, SYS: look up the row, check rights (Arm ARM D17.1), do it, say how to go on.
 */
import { type FeatureName, has } from '../isa/features.ts';
import { CPU, SLOT_SINK, SLOT_ZERO } from '../layout/cpu-state.ts';
import { ISS_FP } from './exception-classes.ts';
import type { Exceptions } from './exceptions.ts';
import { ATTENTION_INTERRUPT, CONTINUE, EXCEPTION, RESYNC, type StepResult } from './runtime.ts';
import { findOperation, type OperationContext } from './system-operations.ts';
import { writeDaif, writePstateBit, writeSpsel } from './system-registers/pstate-registers.ts';
import { atEl0, GATE, type SystemContext } from './system-registers/row.ts';
import type { CompiledRegister, SystemRegisters } from './system-registers/table.ts';

const XZR = 31;
const DAIF_SHIFT = 6;

/** MSR (immediate) by op1:op2. */
interface ImmediateForm {
  readonly name: string;
  readonly op1op2: number;
  readonly feature?: FeatureName;
  /** Allowed at EL0: always, while SCTLR_EL1.UMA, or never. */
  readonly el0: 'always' | 'UMA' | 'never';
  readonly run: (c: SystemContext, crm: number) => StepResult;
}

const IMMEDIATE_FORMS: readonly ImmediateForm[] = [
  {
    name: 'UAO',
    op1op2: 0o03,
    feature: 'FEAT_UAO',
    el0: 'never',
    run: (c, crm) => writePstateBit(c, 'UAO', (crm & 1) !== 0),
  },
  {
    name: 'PAN',
    op1op2: 0o04,
    feature: 'FEAT_PAN',
    el0: 'never',
    run: (c, crm) => writePstateBit(c, 'PAN', (crm & 1) !== 0),
  },
  { name: 'SPSel', op1op2: 0o05, el0: 'never', run: (c, crm) => writeSpsel(c, crm & 1) },
  {
    name: 'DIT',
    op1op2: 0o32,
    feature: 'FEAT_DIT',
    el0: 'always',
    run: (c, crm) => writePstateBit(c, 'DIT', (crm & 1) !== 0),
  },
  {
    name: 'SSBS',
    op1op2: 0o31,
    feature: 'FEAT_SSBS2',
    el0: 'always',
    run: (c, crm) => writePstateBit(c, 'SSBS', (crm & 1) !== 0),
  },
  {
    name: 'DAIFSet',
    op1op2: 0o36,
    el0: 'UMA',
    run: (c, crm) => writeDaif(c, c.state.get(CPU.DAIF) | (crm << DAIF_SHIFT)),
  },
  {
    name: 'DAIFClr',
    op1op2: 0o37,
    el0: 'UMA',
    run: (c, crm) => writeDaif(c, c.state.get(CPU.DAIF) & ~(crm << DAIF_SHIFT)),
  },
];

/** PSTATE accesses by immediate are encoded with op0 = 0, CRn = 4, Rt = 31. */
function immediateKey(op1op2: number, crm: number): number {
  return ((op1op2 >> 3) << 11) | (4 << 7) | (crm << 3) | (op1op2 & 7);
}

/** ISS of EC 0x18: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, Direction 0. */
function systemIss(key: number, rt: number, read: boolean): number {
  const register = rt === SLOT_ZERO || rt === SLOT_SINK ? XZR : rt;
  const [op0, op1, crn, crm, op2] = [key >> 14, (key >> 11) & 7, (key >> 7) & 15, (key >> 3) & 15, key & 7];
  return (
    (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (register << 5) | (crm << 1) | (read ? 1 : 0)
  );
}

export class SystemInstructions {
  private readonly c: SystemContext;
  private readonly registers: SystemRegisters;
  private readonly operations: OperationContext;
  private readonly exceptions: Exceptions;
  /** UNDEFINED because this CPU does not have it: worth a line in the log. */
  private readonly unknown: (what: string) => StepResult;

  constructor(
    context: SystemContext,
    registers: SystemRegisters,
    operations: OperationContext,
    exceptions: Exceptions,
    unknown: (what: string) => StepResult,
  ) {
    this.c = context;
    this.registers = registers;
    this.operations = operations;
    this.exceptions = exceptions;
    this.unknown = unknown;
  }

  read(key: number, rt: number): StepResult {
    const register = this.registers.find(key);
    const { c } = this;
    const refusal = this.refuse(register, register?.readLevel ?? 0, key, rt, true);
    if (refusal !== CONTINUE || !register) return refusal;
    let lo: number;
    c.hi = 0;
    if (register.read) lo = register.read(c);
    else if (register.offset === 0) {
      lo = register.fixedLo;
      c.hi = register.fixedHi;
    } else {
      lo = c.state.get(register.offset);
      c.hi = register.narrow ? 0 : c.state.high(register.offset);
    }
    c.state.setPair(c.state.slot(rt), lo, c.hi);
    return CONTINUE;
  }

  write(key: number, rt: number): StepResult {
    const register = this.registers.find(key);
    const { state } = this.c;
    const refusal = this.refuse(register, register?.writeLevel ?? 0, key, rt, false);
    if (refusal !== CONTINUE || !register) return refusal;
    const lo = state.get(state.slot(rt));
    const hi = state.high(state.slot(rt));
    if (register.write) return this.finish(register.write(this.c, lo, hi));
    const stored = (lo & register.writableLo) | register.fixedLo;
    if (register.narrow) state.set(register.offset, stored);
    else state.setPair(register.offset, stored, (hi & register.writableHi) | register.fixedHi);
    return register.written ? this.finish(register.written(this.c)) : CONTINUE;
  }

  operation(key: number, rt: number): StepResult {
    const operation = findOperation(key);
    const { state } = this.c;
    if (!operation || !has(this.c.features, operation.feature))
      return this.unknown(`SYS ${describeKey(key)}`);
    if (atEl0(state)) {
      if (!operation.el0) return this.deny();
      if (!operation.el0(state)) return this.trap(key, rt, false);
    }
    const slot = state.slot(rt);
    return this.finish(operation.run(this.operations, state.get(slot), state.high(slot)));
  }

  immediate(op1op2: number, crm: number): StepResult {
    const form = IMMEDIATE_FORMS.find((row) => row.op1op2 === op1op2);
    const { state } = this.c;
    if (!form || !has(this.c.features, form.feature))
      return this.unknown(`MSR (immediate) op1:op2 ${op1op2.toString(8)}`);
    if (atEl0(state)) {
      if (form.el0 === 'never') return this.deny();
      if (form.el0 === 'UMA' && !GATE.uma(state)) return this.trap(immediateKey(op1op2, crm), XZR, false);
    }
    return this.finish(form.run(this.c, crm));
  }

  /** CONTINUE when the access may go ahead; otherwise the exception has been taken. */
  private refuse(
    register: CompiledRegister | undefined,
    level: number,
    key: number,
    rt: number,
    read: boolean,
  ): StepResult {
    const { state } = this.c;
    if (!register) return this.unknown(`${read ? 'MRS' : 'MSR'} ${describeKey(key)}`);
    if (state.get(CPU.EL) < level || (register.available && !register.available(state))) return this.deny();
    if (atEl0(state) && register.gate && !register.gate(state)) return this.trap(key, rt, read);
    if (register.floatingPoint && state.get(CPU.FP_TRAPPED)) {
      this.exceptions.synchronous('fp', ISS_FP);
      return EXCEPTION;
    }
    return CONTINUE;
  }

  /** UNDEFINED for lack of rights: guests do this on purpose (Linux serves MRS of ID registers to programs). */
  private deny(): StepResult {
    this.exceptions.synchronous('unknown', 0);
    return EXCEPTION;
  }

  private trap(key: number, rt: number, read: boolean): StepResult {
    this.exceptions.synchronous('system', systemIss(key, rt, read));
    return EXCEPTION;
  }

  /** Moves PC for RESYNC, and takes an interrupt that the instruction has let through. */
  private finish(result: StepResult): StepResult {
    if (result === EXCEPTION) return result;
    const pending = (this.c.state.get(CPU.ATTENTION) & ATTENTION_INTERRUPT) !== 0;
    if (result === RESYNC || pending) this.c.state.advance();
    if (pending && this.exceptions.takeInterrupt()) return EXCEPTION;
    return pending ? RESYNC : result;
  }
}

/** The generic name of an encoding. */
function describeKey(key: number): string {
  return `S${key >> 14}_${(key >> 11) & 7}_C${(key >> 7) & 15}_C${(key >> 3) & 15}_${key & 7}`;
}
