/**
 * Whether the host has relaxed_swizzle, which is faster than swizzle (AES by a quarter on x86-64). Both give the byte
 * that an index below 16 names, and zero for an index from 128 on (relaxed SIMD proposal); in between they differ.
 */
import { FunctionBuilder } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';

function probe(): boolean {
  const f = new FunctionBuilder([], ['v128']);
  const zeros = () => f.v128(new Array(16).fill(0));
  zeros();
  zeros();
  f.numeric('i8x16.relaxed_swizzle');
  f.finish();
  const module = new ModuleBuilder();
  module.addFunction(f, 'swizzles');
  return WebAssembly.validate(module.build());
}

/** The instruction for indexes below 16 or above 127: a fact about the host, so the same for every thread. */
export const BOUNDED_SWIZZLE = probe() ? 'i8x16.relaxed_swizzle' : 'i8x16.swizzle';
