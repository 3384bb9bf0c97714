/**
 * Guest memory accesses: an inline TLB lookup, the slow path out of line in the runtime.
 *
 * One comparison checks tag, page crossing and alignment: an access whose last byte lies in the next page,
 * or whose address has bits set that the instruction demands to be zero, does not match the tag.
 */
import type { Operation, Type } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import { TLB_ADDEND, TLB_ENTRIES, TLB_ENTRY_SIZE } from '../layout/memory-map.ts';
import { ACCESS_UNPRIVILEGED, instructionAlignmentMask, probeWord } from '../mmu/access.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { Environment, Push } from './environment.ts';
import { storeOp } from './memory-ops.ts';

const PAGE_SHIFT = 12;
const PAGE_MASK = -(1n << BigInt(PAGE_SHIFT));
const ENTRY_SHIFT = Math.log2(TLB_ENTRY_SIZE);

/** A local with the host address of several accesses, 0 when they must be looked up one by one, and where this one is. */
export interface MergedAddress {
  readonly local: number;
  readonly offset: number;
}

/** What is made of the host address on the stack; the value is `offset` bytes further. */
interface AddressUse {
  readonly type: Type;
  readonly emit: (offset: number) => void;
}

/** Pushes the host address for a read (or an update in place); or what `use` makes of it. */
export function emitGuestAddress(
  f: FunctionBuilder,
  environment: Environment,
  operation: Operation & { op: 'guest.read' | 'guest.update' },
  va: Push,
  use: AddressUse = asAddress(f),
): void {
  const update = operation.op === 'guest.update';
  const found = emitFind(f, environment, operation, update, va);
  f.if(use.type, 'likely');
  found.push();
  use.emit(found.offset);
  f.plain('else');
  environment.call(f, update ? 'rmwAddress' : 'readSlow', [va, () => f.i32(operation.access)]);
  const address = f.takeLocal('i32');
  f.tee(address);
  environment.leaveIfZero(f);
  environment.afterSlowAccess(f);
  f.get(address);
  use.emit(0);
  f.freeLocal('i32', address);
  f.end();
  found.free();
}

function asAddress(f: FunctionBuilder): AddressUse {
  const emit = (offset: number) => {
    if (offset === 0) return;
    f.i32(offset);
    f.numeric('i32.add');
  };
  return { type: 'i32', emit };
}

export function emitGuestWrite(
  f: FunctionBuilder,
  environment: Environment,
  operation: Operation & { op: 'guest.write' },
  va: Push,
  values: readonly Push[],
): void {
  const found = emitFind(f, environment, operation, true, va);
  const storeAll = (base: Push, extraOffset: number) => {
    operation.parts.forEach((part, i) => {
      base();
      values[i]?.();
      f.store(storeOp(part.store), part.offset + extraOffset);
    });
  };
  f.if(undefined, 'likely');
  if (operation.parts.length > 1) found.keep();
  storeAll(found.push, found.offset);
  f.plain('else');
  storeAll(() => f.i32(0), environment.stateBase + CPU.SCRATCH);
  environment.call(f, 'writeSlow', [va, () => f.i32(operation.access)]);
  environment.leaveIfZero(f);
  environment.afterSlowAccess(f);
  f.end();
  found.free();
}

/** Where an access goes when the condition that emitFind pushes holds. */
interface Found {
  /** Pushes the host address less `offset`. */
  readonly push: Push;
  readonly offset: number;
  /** From now on `push` is used more than once. */
  readonly keep: () => void;
  readonly free: () => void;
}

/** Pushes whether the access can be made at once. */
function emitFind(
  f: FunctionBuilder,
  environment: Environment,
  operation: Operation & { op: 'guest.read' | 'guest.update' | 'guest.write' },
  write: boolean,
  va: Push,
): Found {
  const merged = environment.mergedAddress(operation);
  if (merged) {
    const push = () => f.get(merged.local);
    push();
    return { push, offset: merged.offset, keep: () => undefined, free: () => undefined };
  }
  const entry = emitLookup(f, environment, operation.size, operation.access, write, va);
  let kept = false;
  const push = () => (kept ? f.get(entry) : emitHostAddress(f, entry, va));
  const keep = () => {
    push();
    f.set(entry);
    kept = true;
  };
  return { push, offset: 0, keep, free: () => f.freeLocal('i32', entry) };
}

/** Puts the host address of `bytes` bytes that several plain accesses touch into a local, or 0. */
export function emitMergedLookup(
  f: FunctionBuilder,
  environment: Environment,
  { bytes, writes }: { readonly bytes: number; readonly writes: boolean },
  va: Push,
  local: number,
): void {
  const entry = emitLookup(f, environment, bytes, PLAIN_ACCESS, writes, va);
  f.if('i32', 'likely');
  emitHostAddress(f, entry, va);
  f.plain('else');
  environment.call(f, 'probe', [va, () => f.i32(probeWord(bytes, writes))]);
  f.end();
  f.set(local);
  f.freeLocal('i32', entry);
}
/** Neither aligned nor unprivileged. */
const PLAIN_ACCESS = 0;

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
  f.load('i32.load', TLB_ADDEND);
  f.numeric('i32.add');
}
