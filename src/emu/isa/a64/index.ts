/** Every A64 instruction that is implemented. */
import { Decoder } from '../decoder.ts';
import type { FeatureSet } from '../features.ts';
import type { Row } from '../row.ts';
import { atomics } from './atomics.ts';
import { branchesExceptionsSystem } from './branches-exceptions-system.ts';
import { cacheMaintenance } from './cache-maintenance.ts';
import { cryptographicAes } from './cryptographic-aes.ts';
import { cryptographicSha } from './cryptographic-sha.ts';
import { cryptographicSha512Sha3 } from './cryptographic-sha512-sha3.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { directRegisters } from './direct-registers.ts';
import { flagManipulation } from './flag-manipulation.ts';
import { fpBfloat } from './fp-bfloat.ts';
import { fpComplex } from './fp-complex.ts';
import { fpConversions } from './fp-conversions.ts';
import { fpJavascript } from './fp-javascript.ts';
import { fpMultiplyLong } from './fp-multiply-long.ts';
import { fpScalar } from './fp-scalar.ts';
import { fpVector } from './fp-vector.ts';
import { fpVectorConversions } from './fp-vector-conversions.ts';
import { fpVectorUnary } from './fp-vector-unary.ts';
import { loadsStores } from './loads-stores.ts';
import { pointerAuthentication } from './pointer-authentication.ts';
import { releaseConsistency } from './release-consistency.ts';
import { simdAccumulateHigh } from './simd-accumulate-high.ts';
import { simdByElement } from './simd-by-element.ts';
import { simdCopyPermute } from './simd-copy-permute.ts';
import { simdDotProduct } from './simd-dot-product.ts';
import { simdLoadsStores } from './simd-loads-stores.ts';
import { simdShiftImmediate } from './simd-shift-immediate.ts';
import { simdThreeSame } from './simd-three-same.ts';
import { simdTwoRegister } from './simd-two-register.ts';
import { simdWidening } from './simd-widening.ts';

export const A64_ROWS: readonly Row[] = [
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...flagManipulation,
  ...branchesExceptionsSystem,
  ...directRegisters,
  ...cacheMaintenance,
  ...pointerAuthentication,
  ...loadsStores,
  ...atomics,
  ...releaseConsistency,
  ...fpScalar,
  ...fpConversions,
  ...fpJavascript,
  ...fpVector,
  ...fpVectorUnary,
  ...fpVectorConversions,
  ...fpComplex,
  ...fpMultiplyLong,
  ...fpBfloat,
  ...simdLoadsStores,
  ...simdCopyPermute,
  ...simdThreeSame,
  ...simdWidening,
  ...simdByElement,
  ...simdShiftImmediate,
  ...simdTwoRegister,
  ...simdAccumulateHigh,
  ...simdDotProduct,
  ...cryptographicAes,
  ...cryptographicSha,
  ...cryptographicSha512Sha3,
];

/** Knows every instruction, whatever CPU it belongs to: for assembly text and tests. */
export const a64Decoder = new Decoder(A64_ROWS);

const decoders = new Map<string, Decoder>();

/** The decoder of a CPU with these features. */
export function decoderFor(features: FeatureSet): Decoder {
  const key = [...features].toSorted().join();
  const known = decoders.get(key) ?? new Decoder(A64_ROWS, features);
  decoders.set(key, known);
  return known;
}
