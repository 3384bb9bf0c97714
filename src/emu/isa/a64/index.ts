/** Every A64 instruction that is implemented. */
import { Decoder } from '../decoder.ts';
import type { Row } from '../row.ts';
import { atomics } from './atomics.ts';
import { branchesExceptionsSystem } from './branches-exceptions-system.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { loadsStores } from './loads-stores.ts';

export const A64_ROWS: readonly Row[] = [
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...branchesExceptionsSystem,
  ...loadsStores,
  ...atomics,
];

export const a64Decoder = new Decoder(A64_ROWS);
