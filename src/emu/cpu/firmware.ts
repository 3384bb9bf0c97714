/**
 * The SMC calling convention (DEN 0028) from registers to the firmware port and back: function in W0,
 * arguments in X1 … X3, result in X0; 32-bit calls see the low halves of their arguments.
 */
import type { FirmwareCalls } from './runtime.ts';
import type { CpuState } from './state.ts';

/** Bit 30 of the function identifier: a 64-bit call. */
const SMC64 = 1 << 30;

export function callFirmware(state: CpuState, firmware: FirmwareCalls): void {
  const functionId = state.get(state.slot(0)) >>> 0;
  const argument = (index: number) => {
    const value = state.wide(state.slot(index));
    return functionId & SMC64 ? value : BigInt.asUintN(32, value);
  };
  state.setWide(state.slot(0), firmware.call(functionId, argument(1), argument(2), argument(3)));
}
