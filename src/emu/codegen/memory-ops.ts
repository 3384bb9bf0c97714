/** From the IR's access kinds to WebAssembly's loads and stores. */
import type { LoadKind, StoreKind } from '../ir/ir.ts';
import type { LoadOp, StoreOp } from '../wasm/opcodes.ts';

export function loadOp(kind: LoadKind): LoadOp {
  const [type, width] = kind.split('.');
  if (!width) return `${type}.load` as LoadOp;
  if (type === 'v128') return `v128.load${width.replace(/(\d+)/, '$1_')}` as LoadOp;
  return `${type}.load${width.slice(0, -1)}_${width.slice(-1)}` as LoadOp;
}

export function storeOp(kind: StoreKind): StoreOp {
  const [type, width = ''] = kind.split('.');
  return `${type}.store${width}` as StoreOp;
}
