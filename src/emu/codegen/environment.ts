/** Where emitted code runs: how it reaches operands, the PC, the runtime and the next instruction. */
import type { OperandSlot } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';

export interface Environment {
  /** Linear-memory address of the vCPU's block. */
  readonly stateBase: number;
  /** Pushes the value of an operand. */
  operand(f: FunctionBuilder, slot: OperandSlot): void;
  /** Pushes the address of the instruction, an i64. */
  pc(f: FunctionBuilder): void;
  /** Calls a runtime helper; `args` pushes its arguments. */
  call(f: FunctionBuilder, helper: string, args: () => void): void;
  /** Ends the instruction: goes on with the next one. */
  next(f: FunctionBuilder): void;
  /** Ends the instruction: goes on at PC + the branch distance. */
  branch(f: FunctionBuilder, slot: OperandSlot): void;
  /** Ends the instruction: goes on at the address on the stack, an i64. */
  branchTo(f: FunctionBuilder): void;
  /** Ends the instruction: the runtime has set PC. */
  resync(f: FunctionBuilder): void;
  /** Leaves when the i32 on the stack is zero: the access faulted and PC is the vector. */
  leaveIfZero(f: FunctionBuilder): void;
  /** After a slow access: it may have raised an interrupt. */
  afterSlowAccess(f: FunctionBuilder): void;
}
