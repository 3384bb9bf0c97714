/**
 * Guest memory accesses: an inline TLB lookup, the slow path out of line in the runtime.
 *
 * One comparison checks tag, page crossing and alignment: an access whose last byte lies in the next page,
 * or whose address has bits set that the instruction demands to be zero, does not match the tag.
 */
import type { Operation, Type } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import { TLB_ENTRIES, TLB_ENTRY_SIZE } from '../layout/memory-map.ts';
import { ACCESS_UNPRIVILEGED, instructionAlignmentMask } from '../mmu/access.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { Environment, Push } from './environment.ts';
import { storeOp } from './memory-ops.ts';

const PAGE_SHIFT = 12;
const PAGE_MASK = -(1n << BigInt(PAGE_SHIFT));
const ENTRY_SHIFT = Math.log2(TLB_ENTRY_SIZE);
/** Offset of the addend in a TLB entry, after the tag. */
const ADDEND = 8;
const AS_ADDRESS = { type: 'i32', emit: () => undefined } as const;

/** Pushes the host address for a read (or an update in place); what is at it when `load` turns one into the other. */
export function emitGuestAddress(
  f: FunctionBuilder,
  environment: Environment,
  operation: Operation & { op: 'guest.read' | 'guest.update' },
  va: Push,
  load: { readonly type: Type; readonly emit: () => void } = AS_ADDRESS,
): void {
  const update = operation.op === 'guest.update';
  const entry = emitLookup(f, environment, operation.size, operation.access, update, va);
  f.if(load.type, 'likely');
  emitHostAddress(f, entry, va);
  load.emit();
  f.plain('else');
  environment.call(f, update ? 'rmwAddress' : 'readSlow', [va, () => f.i32(operation.access)]);
  const address = f.takeLocal('i32');
  f.tee(address);
  environment.leaveIfZero(f);
  environment.afterSlowAccess(f);
  f.get(address);
  load.emit();
  f.freeLocal('i32', address);
  f.end();
  f.freeLocal('i32', entry);
}

export function emitGuestWrite(
  f: FunctionBuilder,
  environment: Environment,
  operation: Operation & { op: 'guest.write' },
  va: Push,
  values: readonly Push[],
): void {
  const entry = emitLookup(f, environment, operation.size, operation.access, true, va);
  const storeAll = (base: Push, extraOffset: number) => {
    operation.parts.forEach((part, i) => {
      base();
      values[i]?.();
      f.store(storeOp(part.store), part.offset + extraOffset);
    });
  };
  f.if(undefined, 'likely');
  if (operation.parts.length === 1) storeAll(() => emitHostAddress(f, entry, va), 0);
  else {
    emitHostAddress(f, entry, va);
    f.set(entry);
    storeAll(() => f.get(entry), 0);
  }
  f.plain('else');
  storeAll(() => f.i32(0), environment.stateBase + CPU.SCRATCH);
  environment.call(f, 'writeSlow', [va, () => f.i32(operation.access)]);
  environment.leaveIfZero(f);
  environment.afterSlowAccess(f);
  f.end();
  f.freeLocal('i32', entry);
}

/** Pushes whether the TLB maps the access; gives the local with the entry's address. */
function emitLookup(
  f: FunctionBuilder,
  environment: Environment,
  size: number,
  access: number,
  write: boolean,
  va: Push,
): number {
  const entry = f.takeLocal('i32');
  va();
  f.numeric('i32.wrap_i64');
  f.i32(PAGE_SHIFT - ENTRY_SHIFT);
  f.numeric('i32.shr_u');
  f.i32((TLB_ENTRIES - 1) << ENTRY_SHIFT);
  f.numeric('i32.and');
  f.i32(0);
  f.load('i32.load', environment.stateBase + tlbCell(access, write));
  f.numeric('i32.add');
  f.set(entry);
  va();
  const aligned = instructionAlignmentMask(access);
  if (aligned) f.i64(PAGE_MASK | BigInt(aligned));
  else {
    if (size > 1) {
      f.i64(BigInt(size - 1));
      f.numeric('i64.add');
    }
    f.i64(PAGE_MASK);
  }
  f.numeric('i64.and');
  f.get(entry);
  f.load('i64.load', 0);
  f.numeric('i64.eq');
  return entry;
}

function tlbCell(access: number, write: boolean): number {
  if (access & ACCESS_UNPRIVILEGED) return write ? CPU.TLB_WRITE_UNPRIVILEGED : CPU.TLB_READ_UNPRIVILEGED;
  return write ? CPU.TLB_WRITE : CPU.TLB_READ;
}

function emitHostAddress(f: FunctionBuilder, entry: number, va: Push): void {
  va();
  f.numeric('i32.wrap_i64');
  f.get(entry);
  f.load('i32.load', ADDEND);
  f.numeric('i32.add');
}
