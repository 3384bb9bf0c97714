/** From the IR's access kinds to WebAssembly's loads and stores. */
import type { LoadKind, StoreKind } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { LoadOp, StoreOp } from '../wasm/opcodes.ts';

const loadOps = new Map<LoadKind, LoadOp>();

export function loadOp(kind: LoadKind): LoadOp {
  const op = loadOps.get(kind) ?? loadOpByName(kind);
  loadOps.set(kind, op);
  return op;
}

function loadOpByName(kind: LoadKind): LoadOp {
  const [type, width] = kind.split('.');
  if (!width) return `${type}.load` as LoadOp;
  if (type === 'v128') return `v128.load${width.replace(/(\d+)/, '$1_')}` as LoadOp;
  return `${type}.load${width.slice(0, -1)}_${width.slice(-1)}` as LoadOp;
}

const storeOps = new Map<StoreKind, StoreOp>();

export function storeOp(kind: StoreKind): StoreOp {
  const op = storeOps.get(kind) ?? storeOpByName(kind);
  storeOps.set(kind, op);
  return op;
}

function storeOpByName(kind: StoreKind): StoreOp {
  const [type, width = ''] = kind.split('.');
  return `${type}.store${width}` as StoreOp;
}

const V128_BYTES = 16;
const ZEROS: readonly number[] = new Array(V128_BYTES).fill(0);

/** Clears `size` bytes, a multiple of 16. Stores: hosts call out for memory.fill, which takes several times as long. */
export function emitZero(f: FunctionBuilder, size: number, address: () => void): void {
  for (let at = 0; at < size; at += V128_BYTES) {
    address();
    f.v128(ZEROS);
    f.store('v128.store', at);
  }
}
