/** From something thrown to words for the user. */
import { MachineConfigError } from '../emu/machine/contract.ts';
import type { MachineError } from './protocol.ts';

/** A failure that already is in words; carries a MachineError through throw and catch. */
export class MachineFailure extends Error {
  readonly error: MachineError;
  constructor(error: MachineError) {
    super(error.message);
    this.name = 'MachineFailure';
    this.error = error;
  }
}

export function describeFailure(thrown: unknown): MachineError {
  if (thrown instanceof MachineFailure) return thrown.error;
  if (thrown instanceof MachineConfigError) {
    return { code: thrown.code, message: thrown.message, ...(thrown.hint && { hint: thrown.hint }) };
  }
  const isError = thrown instanceof Error;
  return {
    code: 'internal',
    message: `The emulator itself failed: ${isError ? thrown.message : String(thrown)}`,
    hint: 'This is a bug in Bramble, not in your guest. A report with the details below is welcome.',
    ...(isError && thrown.stack && { details: thrown.stack }),
  };
}
