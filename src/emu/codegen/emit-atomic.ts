/** Atomic read-modify-write at a host address. */
import type { Operation } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { AtomicOp } from '../wasm/opcodes.ts';

type Push = () => void;

export function emitAtomic(
  f: FunctionBuilder,
  { kind, bytes, type }: Operation & { op: 'host.atomic' },
  args: readonly Push[],
): void {
  const [address, value, replacement] = args as [Push, Push, Push | undefined];
  address();
  value();
  replacement?.();
  f.atomic(kind as AtomicOp, type, bytes, 0);
}
