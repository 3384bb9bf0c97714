/**
 * Handlers outside the main loop: functions of the table. They stand in the interpreter's image, or are modules of
 * their own, made when an instruction first needs them.
 */
import { emitInstruction } from '../codegen/emit-body.ts';
import { RECORD_SIZE } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import type { Handler } from './handler.ts';
import { RecordEnvironment } from './record-environment.ts';
import { importAll } from './runtime-imports.ts';

/** Signature of a function in the handler table: a record → the next record, or 0 when PC was set. */
export const HANDLER_PARAMS: readonly ValueType[] = ['i32'];
export const HANDLER_RESULTS: readonly ValueType[] = ['i32'];

class ColdEnvironment extends RecordEnvironment {
  next(f: FunctionBuilder): void {
    f.get(this.record);
    f.i32(RECORD_SIZE);
    f.numeric('i32.add');
  }
  resync(f: FunctionBuilder): void {
    f.i32(0);
    f.plain('return');
  }
  branch(): void {
    throw new Error('a row with a branch must be hot');
  }
  branchTo(): void {
    throw new Error('a row with a branch must be hot');
  }
  afterSlowAccess(): void {
    // The main loop sees ATTENTION at the next resync or slice end.
  }
}

/** The function of one handler outside the main loop. */
export function coldHandler({ body }: Handler, helpers: ReadonlyMap<string, number>): FunctionBuilder {
  const f = new FunctionBuilder(HANDLER_PARAMS, HANDLER_RESULTS);
  emitInstruction(body, f, new ColdEnvironment(0, helpers));
  if (body.nodes.at(-1)?.operation.op === 'resync') f.plain('unreachable');
  f.finish();
  return f;
}

/** A module of one such function, which it exports as `handler`. */
export function coldHandlerModule(handler: Handler, shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const helpers = importAll(module, shared);
  module.addFunction(coldHandler(handler, helpers), 'handler', `handler ${handler.row.name}`);
  return module.build();
}
