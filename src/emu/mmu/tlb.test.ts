import { beforeEach, describe, expect, it } from 'vitest';
import { FETCH_ENTRIES, FETCH_ENTRY_SIZE } from '../layout/memory-map.ts';
import { CpuHarness, RAM_BASE } from '../testing/cpu-harness.ts';
import {
  DESCRIPTOR,
  type EnableOptions,
  enableMmu,
  TranslationTables,
} from '../testing/translation-tables.ts';
import { accessWord, loadAccess, storeAccess } from './access.ts';

const { accessFlag, el0, notGlobal } = DESCRIPTOR;
const LOAD8 = loadAccess(8);
const STORE8 = storeAccess(8);
const UNPRIVILEGED_LOAD = accessWord({ sizeBytes: 8, read: true, unprivileged: true });

const PAGE = RAM_BASE + 0x10_0000;
const OTHER_PAGE = RAM_BASE + 0x20_0000;
const LOW = 0x12_3456_7000n;
const HIGH = 0xffff_8000_1234_5000n;
const VALUE = 0x1122_3344_5566_7788n;
const OTHER = 0x99aa_bbcc_ddee_ff00n;

let h: CpuHarness;
let low: TranslationTables;
let high: TranslationTables;
beforeEach(() => {
  h = new CpuHarness();
  low = new TranslationTables(h);
  high = new TranslationTables(h, 4, 1);
  h.poke(PAGE, VALUE);
  h.poke(OTHER_PAGE, OTHER);
});

const on = (options: EnableOptions = {}) => enableMmu(h, { low, high, ...options });

describe('TLB contexts and maintenance', () => {
  const operand = (va: bigint, asid = 0n) => ((va >> 12n) & 0xfff_ffff_ffffn) | (asid << 48n);
  const map = (va: bigint, pa: number, bits = el0 | notGlobal) =>
    low.map(va, pa, { bits: bits | accessFlag });

  const BY_ADDRESS = ['VAE1', 'VAAE1', 'VALE1', 'VAALE1'].flatMap((form) => [
    `TLBI ${form}`,
    `TLBI ${form}IS`,
  ]);
  it.each(BY_ADDRESS)('%s drops the page it names, in every context, and no other', (name) => {
    map(LOW, PAGE);
    map(LOW + 0x1000n, PAGE);
    on({ asid: 5n });
    h.read(LOW + 0x1000n, LOAD8);
    for (const pan of [0, 1, 0]) {
      h.cpu.systemImmediate(0o04, pan);
      h.read(LOW, pan ? UNPRIVILEGED_LOAD : LOAD8);
    }
    map(LOW, OTHER_PAGE);
    expect(h.read(LOW, LOAD8)).toBe(VALUE);
    h.operate(name, operand(LOW, 5n));
    expect(h.lookUp('TLB_READ', LOW + 0x1000n)).toBe(PAGE);
    expect(h.read(LOW, LOAD8)).toBe(OTHER);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(OTHER);
  });

  it.each(['TLBI VMALLE1', 'TLBI VMALLE1IS'])('%s drops everything', (name) => {
    map(LOW, PAGE);
    on();
    h.read(LOW, LOAD8);
    h.read(LOW, UNPRIVILEGED_LOAD);
    map(LOW, OTHER_PAGE);
    h.operate(name);
    expect(h.read(LOW, LOAD8)).toBe(OTHER);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(OTHER);
  });

  it.each(['TLBI ASIDE1', 'TLBI ASIDE1IS'])('%s drops the ASID, current or not', (name) => {
    map(LOW, PAGE);
    on({ asid: 5n });
    h.read(LOW, UNPRIVILEGED_LOAD);
    h.msr('TTBR0_EL1', BigInt(low.root) | (6n << 48n));
    h.read(LOW, UNPRIVILEGED_LOAD);
    map(LOW, OTHER_PAGE);
    h.operate(name, 5n << 48n);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(VALUE);
    h.msr('TTBR0_EL1', BigInt(low.root) | (5n << 48n));
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(OTHER);
    h.operate(name, 6n << 48n);
    h.msr('TTBR0_EL1', BigInt(low.root) | (6n << 48n));
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(OTHER);
  });

  it('drops all of a block by any of its addresses', () => {
    const block = 0x4000_0000n;
    low.map(block, RAM_BASE, { level: 2 });
    on();
    h.read(block + 0x10_0000n, LOAD8);
    h.write(block + 0x11_0000n, STORE8, 1n);
    h.operate('TLBI VAE1', operand(block + 0x1f_f000n));
    expect(h.lookUp('TLB_READ', block + 0x10_0000n)).toBeUndefined();
    expect(h.lookUp('TLB_WRITE', block + 0x11_0000n)).toBeUndefined();
  });

  it('drops all 4 KiB parts of a 64 KiB page', () => {
    const tables = new TranslationTables(h, 64, 2);
    tables.map(0x10_0000n, PAGE);
    enableMmu(h, { low: tables });
    h.read(0x10_0000n, LOAD8);
    h.read(0x10_3000n, LOAD8);
    h.operate('TLBI VAE1', operand(0x10_0000n));
    expect(h.lookUp('TLB_READ', 0x10_3000n)).toBeUndefined();
  });

  it('keeps the entries of both processes over switches, and global kernel entries always', () => {
    const other = new TranslationTables(h, 4, 2);
    map(LOW, PAGE);
    other.map(LOW, OTHER_PAGE, { bits: el0 | notGlobal | accessFlag });
    high.map(HIGH & 0xffff_ffff_ffffn, PAGE);
    on({ asid: 1n });
    const first = h.get('TTBR0_EL1');
    const second = BigInt(other.root) | (2n << 48n);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(VALUE);
    h.read(HIGH, LOAD8);
    h.msr('TTBR0_EL1', second);
    expect(h.lookUp('TLB_READ', HIGH)).toBe(PAGE);
    expect(h.lookUp('TLB_READ_UNPRIVILEGED', LOW)).toBeUndefined();
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(OTHER);
    h.msr('TTBR0_EL1', first);
    h.enterEl0(LOW);
    expect(h.lookUp('TLB_READ', LOW)).toBe(PAGE);
  });

  it('never shows EL1 the low half of another process', () => {
    const other = new TranslationTables(h, 4, 2);
    map(LOW, PAGE);
    other.map(LOW, OTHER_PAGE, { bits: el0 | notGlobal | accessFlag });
    on({ asid: 1n });
    expect(h.read(LOW, LOAD8)).toBe(VALUE);
    h.msr('TTBR0_EL1', BigInt(other.root) | (2n << 48n));
    expect(h.lookUp('TLB_READ', LOW)).toBeUndefined();
    expect(h.read(LOW, LOAD8)).toBe(OTHER);
  });

  it('drops non-global high entries with the ASID of TTBR1 (TCR_EL1.A1)', () => {
    high.map(HIGH & 0xffff_ffff_ffffn, PAGE, { bits: notGlobal | accessFlag });
    on({ tcr: 1n << 22n });
    h.read(HIGH, LOAD8);
    h.msr('TTBR1_EL1', BigInt(high.root) | (9n << 48n));
    expect(h.lookUp('TLB_READ', HIGH)).toBeUndefined();
  });

  it('stays right while more processes than banks take turns', () => {
    const processes = Array.from({ length: 3 }, (_, i) => new TranslationTables(h, 4, 1 + i));
    const pages = [PAGE, OTHER_PAGE, OTHER_PAGE + 0x1000];
    h.poke(OTHER_PAGE + 0x1000, 3n);
    const values = [VALUE, OTHER, 3n];
    processes.forEach((tables, i) => {
      tables.map(LOW, pages[i]!, { bits: el0 | notGlobal | accessFlag });
    });
    enableMmu(h, { low: processes[0]! });
    for (let asid = 1; asid < 200; asid++) {
      const i = asid % 3;
      h.msr('TTBR0_EL1', BigInt(processes[i]!.root) | (BigInt(asid) << 48n));
      expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(values[i]);
      expect(h.read(LOW, LOAD8)).toBe(values[i]);
    }
  });

  it('flushes what the fetch TLB knows with the same operations', () => {
    low.map(LOW, PAGE);
    on();
    h.pc = LOW;
    h.cpu.fetchAddress();
    const entry = h.field('FETCH_TLB') + (Number(LOW >> 12n) % FETCH_ENTRIES) * FETCH_ENTRY_SIZE;
    const view = new DataView(h.memory.memory.buffer);
    view.setBigUint64(entry, LOW, true);
    h.operate('TLBI VAE1', operand(LOW + 0x1000n));
    expect(view.getBigUint64(entry, true)).toBe(LOW);
    h.operate('TLBI VAE1', operand(LOW));
    expect(view.getBigUint64(entry, true)).not.toBe(LOW);
    view.setBigUint64(entry, LOW, true);
    h.msr('TTBR0_EL1', BigInt(high.root));
    expect(h.field('FETCH_TLB') + (Number(LOW >> 12n) % FETCH_ENTRIES) * FETCH_ENTRY_SIZE).toBe(entry);
    expect(view.getBigUint64(entry, true)).not.toBe(LOW);
  });

  it('counts misses', () => {
    low.map(LOW, PAGE);
    on();
    const before = h.cpu.counters().tlbMisses;
    h.read(LOW, LOAD8);
    h.write(LOW, STORE8, 1n);
    expect(h.cpu.counters().tlbMisses).toBe(before + 2);
  });
});
