/** Every A64 instruction that is implemented. */
import { Decoder } from '../decoder.ts';
import type { Row } from '../row.ts';
import { atomics } from './atomics.ts';
import { branchesExceptionsSystem } from './branches-exceptions-system.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { directRegisters } from './direct-registers.ts';
import { fpConversions } from './fp-conversions.ts';
import { fpScalar } from './fp-scalar.ts';
import { fpVector } from './fp-vector.ts';
import { fpVectorUnary } from './fp-vector-unary.ts';
import { loadsStores } from './loads-stores.ts';
import { simdByElement } from './simd-by-element.ts';
import { simdCopyPermute } from './simd-copy-permute.ts';
import { simdLoadsStores } from './simd-loads-stores.ts';
import { simdShiftImmediate } from './simd-shift-immediate.ts';
import { simdThreeSame } from './simd-three-same.ts';
import { simdTwoRegister } from './simd-two-register.ts';
import { simdWidening } from './simd-widening.ts';

export const A64_ROWS: readonly Row[] = [
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...branchesExceptionsSystem,
  ...directRegisters,
  ...loadsStores,
  ...atomics,
  ...fpScalar,
  ...fpConversions,
  ...fpVector,
  ...fpVectorUnary,
  ...simdLoadsStores,
  ...simdCopyPermute,
  ...simdThreeSame,
  ...simdWidening,
  ...simdByElement,
  ...simdShiftImmediate,
  ...simdTwoRegister,
];

export const a64Decoder = new Decoder(A64_ROWS);
