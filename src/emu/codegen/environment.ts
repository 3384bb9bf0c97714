/**
 * Where emitted code runs: how it reaches state, flags, operands, the PC, the runtime and the next instruction.
 * This base keeps all state in the vCPU's block; the translator's environment keeps it in locals.
 */
import type { Body, LoadKind, OperandSlot, Operation, StoreKind, Value } from '../ir/ir.ts';
import { CPU_BLOCK } from '../layout/memory-map.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { emitCondition, emitGetFlags, emitPutFlags, emitSetFlags } from './emit-flags.ts';
import type { MergedAddress } from './emit-memory.ts';
import { loadOp, storeOp } from './memory-ops.ts';

export type Push = () => void;

/** A function that stands for a body. */
export interface OutlinedCall {
  readonly index: number;
  /** Its arguments, and how often the body would have used each. */
  readonly values: readonly Value[];
  readonly uses: readonly number[];
}

/** Condition code of "carry set". */
const CARRY_SET = 2;

export abstract class Environment {
  /** Linear-memory address of the vCPU's block. */
  readonly stateBase: number = CPU_BLOCK;

  /** Pushes state at a constant offset plus `index`. */
  loadState(f: FunctionBuilder, kind: LoadKind, offset: number, index: Push | undefined): void {
    if (index) index();
    else f.i32(0);
    f.load(loadOp(kind), this.stateBase + offset);
  }
  storeState(
    f: FunctionBuilder,
    kind: StoreKind,
    offset: number,
    value: Push,
    index: Push | undefined,
  ): void {
    if (index) index();
    else f.i32(0);
    value();
    f.store(storeOp(kind), this.stateBase + offset);
  }
  /** `args` may each be pushed any number of times. */
  setFlags(f: FunctionBuilder, operation: Operation & { op: 'flags.set' }, args: readonly Push[]): void {
    emitSetFlags(f, this.stateBase, operation, args);
  }
  putFlags(f: FunctionBuilder, nzcv: Push): void {
    emitPutFlags(f, this.stateBase, nzcv);
  }
  getFlags(f: FunctionBuilder): void {
    emitGetFlags(f, this.stateBase);
  }
  /** Pushes whether an Arm condition (below AL) holds. */
  holds(f: FunctionBuilder, condition: number): void {
    emitCondition(f, this.stateBase, condition);
  }
  /** Pushes the carry flag, 0 or 1. */
  carry(f: FunctionBuilder): void {
    this.holds(f, CARRY_SET);
  }
  /** Pushes the fuel that is left, 0 when unknown. */
  fuel(f: FunctionBuilder): void {
    f.i32(0);
  }
  /** Brackets the two sides of a conditional, for environments that follow what the code does. */
  beginIf(): void {}
  beginElse(_f: FunctionBuilder): void {}
  endIf(_f: FunctionBuilder): void {}

  /** Where an access goes that is looked up together with others; undefined for one that is looked up alone. */
  mergedAddress(_operation: Operation): MergedAddress | undefined {
    return undefined;
  }

  /** A side of a conditional that hardly ever runs, as a function to be called instead; undefined where it stays. */
  outlined(_body: Body): OutlinedCall | undefined {
    return undefined;
  }

  /** Pushes the value of an operand. */
  abstract operand(f: FunctionBuilder, slot: OperandSlot): void;
  /** Pushes the address of the instruction, an i64. */
  abstract pc(f: FunctionBuilder): void;
  /** Calls a runtime helper; `args` push its arguments. */
  abstract call(f: FunctionBuilder, helper: string, args: readonly Push[]): void;
  /** Ends the instruction: goes on with the next one. */
  abstract next(f: FunctionBuilder): void;
  /** Ends the instruction: goes on at PC + the branch distance. */
  abstract branch(f: FunctionBuilder, slot: OperandSlot): void;
  /** Ends the instruction: goes on at the address on the stack, an i64. */
  abstract branchTo(f: FunctionBuilder, hint: 'jump' | 'call' | 'return'): void;
  /** Ends the instruction: the runtime has set PC. */
  abstract resync(f: FunctionBuilder): void;
  /** Leaves when the i32 on the stack is zero: the access faulted and PC is the vector. */
  abstract leaveIfZero(f: FunctionBuilder): void;
  /** After a slow access: it may have raised an interrupt. */
  abstract afterSlowAccess(f: FunctionBuilder): void;
}
