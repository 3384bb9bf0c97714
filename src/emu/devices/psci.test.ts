import { describe, expect, it } from 'vitest';
import { AFFINITY_STATE, createPsci, PSCI_RESULT } from './psci.ts';

const MINUS_ONE = 0xffff_ffff_ffff_ffffn;

function firmware() {
  const calls: string[] = [];
  const psci = createPsci({
    cpuOn: (affinity, entry, context) => {
      calls.push(`on ${affinity.toString(16)} ${entry.toString(16)} ${context.toString(16)}`);
      return affinity === 1n ? PSCI_RESULT.success : PSCI_RESULT.invalidParameters;
    },
    cpuOff: () => {
      calls.push('off');
      return PSCI_RESULT.denied;
    },
    cpuSuspend: () => calls.push('suspend'),
    affinityState: (affinity) => (affinity === 0n ? AFFINITY_STATE.on : undefined),
    systemOff: () => calls.push('system off'),
    systemReset: () => calls.push('system reset'),
  });
  const call = (id: number, x1 = 0n, x2 = 0n, x3 = 0n): bigint => psci.call(BigInt(id), x1, x2, x3);
  return { call, calls };
}

describe('PSCI', () => {
  it('is version 1.1 under calling convention 1.1', () => {
    const { call } = firmware();
    expect(call(0x8400_0000)).toBe(0x1_0001n);
    expect(call(0x8000_0000)).toBe(0x1_0001n);
    expect(call(0x8400_0006)).toBe(2n);
  });

  it('starts a CPU with 64-bit arguments, and truncates those of the 32-bit call', () => {
    const { call, calls } = firmware();
    expect(call(0xc400_0003, 1n, 0x1_4000_0000n, 0xffff_8000_1234_5678n)).toBe(0n);
    expect(call(0x8400_0003, 1n, 0x1_4000_0000n, 0xffff_8000_1234_5678n)).toBe(0n);
    expect(calls).toEqual(['on 1 140000000 ffff800012345678', 'on 1 40000000 12345678']);
    expect(call(0xc400_0003, 5n)).toBe(MINUS_ONE - 1n);
  });

  it('tells which CPUs are on', () => {
    const { call } = firmware();
    expect(call(0xc400_0004, 0n, 0n)).toBe(0n);
    expect(call(0xc400_0004, 9n, 0n)).toBe(MINUS_ONE - 1n);
    expect(call(0xc400_0004, 0n, 1n)).toBe(MINUS_ONE - 1n);
  });

  it('turns the machine off, resets it, and puts a CPU to sleep', () => {
    const { call, calls } = firmware();
    call(0x8400_0008);
    call(0x8400_0009);
    expect(call(0xc400_0001, 0x1_0000n)).toBe(0n);
    expect(call(0x8400_0002)).toBe(MINUS_ONE - 2n);
    expect(calls).toEqual(['system off', 'system reset', 'suspend', 'off']);
  });

  it('says which functions exist', () => {
    const { call } = firmware();
    for (const id of [0x8400_0000, 0xc400_0001, 0xc400_0003, 0x8400_0008, 0x8400_000a, 0x8000_0000]) {
      expect(call(0x8400_000a, BigInt(id))).toBe(0n);
    }
    for (const id of [0xc400_0008, 0xc400_000e, 0x8400_0012]) {
      expect(call(0x8400_000a, BigInt(id))).toBe(MINUS_ONE);
    }
    expect(call(0x8000_0001, 0x8000_0000n)).toBe(0n);
    expect(call(0x8000_0001, 0x8000_8000n)).toBe(MINUS_ONE);
  });

  it('returns NOT_SUPPORTED, in all 64 bits, for anything else', () => {
    const { call, calls } = firmware();
    for (const id of [0, 1, 0x8400_0005, 0x8400_ffff, 0xffff_ffff]) expect(call(id)).toBe(MINUS_ONE);
    expect(calls).toEqual([]);
  });
});
