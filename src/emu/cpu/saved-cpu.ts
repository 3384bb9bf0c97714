/**
 * A vCPU's saved state: general and vector registers as bytes, the other fields and every system register by
 * name, so that a change of the layout does not change the format.
 */
import type { SavedState, SavedValue } from '../base/ports.ts';
import { CPU, type CpuField } from '../layout/cpu-state.ts';
import { CELL_NAMES } from '../layout/system-register-cells.ts';
import { type CpuState, cellOffset } from './state.ts';

const VERSION = 1;

/** Fields that hold state; the rest is derived, a pointer or a counter. */
const WIDE_FIELDS = [
  'PC',
  'FLAG_N',
  'FLAG_Z',
  'FLAG_V',
  'SP_EL0',
  'SP_EL1',
  'SP_EL2',
  'SP_EL3',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
] as const satisfies readonly CpuField[];
const WORD_FIELDS = [
  'FLAG_C',
  'EL',
  'SPSEL',
  'DAIF',
  'PAN',
  'UAO',
  'SS',
  'IL',
  'DIT',
  'SSBS',
  'BTYPE',
  'FPCR',
  'FPSR',
  'INTERRUPT_LINES',
  'EVENT_REGISTER',
] as const satisfies readonly CpuField[];
const BYTE_FIELDS = { X: 34 * 8, V: 32 * 16 } as const satisfies Partial<Record<CpuField, number>>;

export function saveCpu(s: CpuState): SavedState {
  const fields: Record<string, SavedValue> = {};
  for (const name of WIDE_FIELDS) fields[name] = s.wide(CPU[name]);
  for (const name of WORD_FIELDS) fields[name] = s.get(CPU[name]);
  for (const name of ['X', 'V'] as const) {
    fields[name] = s.bytes(CPU[name] + BYTE_FIELDS[name]).slice(CPU[name]);
  }
  const registers: Record<string, SavedValue> = {};
  for (const name of CELL_NAMES) registers[name] = s.wide(cellOffset(name));
  return { version: VERSION, fields, registers };
}

/** The exclusive monitor is open after a restore: the store-exclusive fails and the guest tries again. */
export function restoreCpu(s: CpuState, saved: SavedState): void {
  const fields = part(saved, 'fields');
  const registers = part(saved, 'registers');
  for (const name of WIDE_FIELDS) s.setWide(CPU[name], wide(fields, name));
  for (const name of WORD_FIELDS) s.set(CPU[name], Number(fields[name]));
  for (const name of ['X', 'V'] as const) {
    const bytes = fields[name];
    if (!(bytes instanceof Uint8Array) || bytes.length !== BYTE_FIELDS[name]) throw bad(name);
    s.bytes(CPU[name] + BYTE_FIELDS[name]).set(bytes, CPU[name]);
  }
  for (const name of CELL_NAMES) s.setWide(cellOffset(name), wide(registers, name));
  s.set(CPU.EXCLUSIVE_ADDRESS, 0);
}

function part(saved: SavedState, name: string): { readonly [field: string]: SavedValue } {
  const value = saved[name];
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (saved.version !== VERSION || !isRecord || value instanceof Uint8Array) throw bad(name);
  return value as { readonly [field: string]: SavedValue };
}

function wide(fields: { readonly [field: string]: SavedValue }, name: string): bigint {
  const value = fields[name];
  if (typeof value !== 'bigint') throw bad(name);
  return value;
}

function bad(name: string): RangeError {
  return new RangeError(`saved CPU state: ${name} is missing or of another version`);
}
