/**
 * Whether the host's relaxed_madd rounds once: it does on CPUs with a fused multiply-add, and an engine that uses
 * that for one size uses it for all. Found out by trying; without relaxed SIMD the answer is no.
 */
import { FunctionBuilder } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';

/** 1 + 2^-30: its square needs 61 bits, so rounding the product first loses the last one. */
const OPERAND = [0, 0, 0x40, 0, 0, 0, 0xf0, 0x3f];

function probe(): boolean {
  const f = new FunctionBuilder([], ['i32']);
  const operand = () => f.v128([...OPERAND, ...OPERAND]);
  operand();
  operand();
  operand();
  operand();
  f.numeric('f64x2.mul');
  f.numeric('f64x2.neg');
  f.numeric('f64x2.relaxed_madd');
  f.numeric('v128.any_true');
  f.finish();
  const module = new ModuleBuilder();
  module.addFunction(f, 'fuses');
  const bytes = module.build();
  if (!WebAssembly.validate(bytes)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return (exports.fuses as () => number)() !== 0;
}

/** A fact about the host, so the same for every machine and every thread. */
export const HOST_FUSES = probe();
