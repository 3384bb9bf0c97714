/** Code that runs from decoded records: where operands, PC and the runtime are. */
import { Environment, type Push } from '../codegen/environment.ts';
import type { OperandSlot } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK } from '../layout/memory-map.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { RecordSlot } from './record.ts';

/** Pushes operands from the record in local `record`, and calls helpers with it as first argument. */
export abstract class RecordEnvironment extends Environment {
  protected readonly record: number;
  private readonly helpers: ReadonlyMap<string, number>;

  constructor(record: number, helpers: ReadonlyMap<string, number>) {
    super();
    this.record = record;
    this.helpers = helpers;
  }

  operand(f: FunctionBuilder, slot: OperandSlot): void {
    const { kind, offset } = slot as RecordSlot;
    f.get(this.record);
    switch (kind) {
      case 'register':
      case 'u16':
        return f.load('i32.load16_u', offset);
      case 'i32':
      case 'branch':
        return f.load('i32.load', offset);
      case 's32':
        return f.load('i64.load32_s', offset);
      case 'i64':
        return f.load('i64.load', offset);
    }
  }

  pc(f: FunctionBuilder): void {
    f.i32(0);
    f.load('i64.load', CPU_BLOCK + CPU.PC_BIAS);
    f.get(this.record);
    f.i32(2);
    f.numeric('i32.shr_u');
    f.numeric('i64.extend_i32_u');
    f.numeric('i64.add');
  }

  call(f: FunctionBuilder, helper: string, args: readonly Push[]): void {
    const index = this.helpers.get(helper);
    if (index === undefined) throw new Error(`no helper ${helper}`);
    f.get(this.record);
    for (const push of args) push();
    f.call(index);
  }

  leaveIfZero(f: FunctionBuilder): void {
    f.numeric('i32.eqz');
    f.if(undefined, 'unlikely');
    this.resync(f);
    f.end();
  }
}
