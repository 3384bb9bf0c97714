import { beforeEach, describe, expect, it } from 'vitest';
import { CpuHarness, RAM_BASE, RAM_SIZE } from '../testing/cpu-harness.ts';
import {
  DESCRIPTOR,
  DEVICE,
  type EnableOptions,
  enableMmu,
  type GranuleKib,
  TranslationTables,
} from '../testing/translation-tables.ts';
import { accessWord, loadAccess, storeAccess, ZERO_BLOCK_ACCESS } from './access.ts';

const { accessFlag, el0, readOnly, pxn, uxn } = DESCRIPTOR;
const LOAD8 = loadAccess(8);
const LOAD4 = loadAccess(4);
const STORE8 = storeAccess(8);
const UNPRIVILEGED_LOAD = accessWord({ sizeBytes: 8, read: true, unprivileged: true });
const SWAP8 = accessWord({ sizeBytes: 8, alignmentBytes: 8, read: true, write: true });

const PAGE = RAM_BASE + 0x10_0000;
const OTHER_PAGE = RAM_BASE + 0x20_0000;
const LOW = 0x12_3456_7000n;
const HIGH = 0xffff_8000_1234_5000n;
const VALUE = 0x1122_3344_5566_7788n;
const OTHER = 0x99aa_bbcc_ddee_ff00n;

/** ISS of data aborts. */
const WRITE = 1 << 6;
const translation = (level: number) => 0b000100 | level;
const accessFault = (level: number) => 0b001000 | level;
const permission = (level: number) => 0b001100 | level;
const addressSize = (level: number) => level;
const ALIGNMENT = 0b100001;
const EXTERNAL = 0b010000;

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

/** Expects a data abort from EL1 with this status. */
function expectAbort(result: unknown, iss: number, va: bigint, ec = 0x25): void {
  expect(result === undefined || result === false || result === 0).toBe(true);
  expect(h.syndrome()).toEqual({ ec, il: 1, iss });
  expect(h.get('FAR_EL1')).toBe(BigInt.asUintN(64, va));
}

describe('walks', () => {
  const LEAVES: readonly (readonly [GranuleKib, number])[] = [
    [4, 1],
    [4, 2],
    [4, 3],
    [16, 2],
    [16, 3],
    [64, 2],
    [64, 3],
  ];

  it.each(LEAVES)('maps with a %i KiB granule and a leaf at level %i, in both halves', (granule, level) => {
    const tables = new TranslationTables(h, granule, 2);
    const span = 1n << tables.span(level);
    const base = RAM_BASE - (RAM_BASE % Number(span));
    const va = (0x1234_5678_9000n / span) * span;
    tables.map(va, base, { level });
    enableMmu(h, { low: tables, high: tables });
    const offset = BigInt(PAGE - base) % span;
    const physical = base + Number(offset);
    h.poke(physical, VALUE);
    expect(h.read(va + offset, LOAD8)).toBe(VALUE);
    expect(h.lookUp('TLB_READ', va + offset)).toBe(physical);
    expect(h.read((va + offset) | 0xffff_0000_0000_0000n, LOAD8)).toBe(VALUE);
  });

  it('starts at the level that the size of the half asks for', () => {
    for (const tsz of [16n, 24n, 25n, 33n, 34n, 39n]) {
      const input = 64n - tsz;
      const va = (1n << input) - 0x1000n;
      const tables = new TranslationTables(h, 4, Number(tsz) % 3);
      tables.map(va & ((1n << 48n) - 1n), PAGE);
      // The walk must begin in the table that a 48-bit walk reaches for the same bits.
      const start = Math.max(0, 4 - Math.ceil(Number(input - 12n) / 9));
      const width = input - 12n - BigInt(3 - start) * 9n;
      const first = tables.entry(va, start);
      const index = (va >> (12n + BigInt(3 - start) * 9n)) & ((1n << width) - 1n);
      h.msr('MAIR_EL1', 0xffn);
      h.msr('TTBR0_EL1', BigInt(first) - index * 8n);
      h.msr('TCR_EL1', tsz | (5n << 32n) | (1n << 23n));
      h.msr('SCTLR_EL1', 1n);
      expect(h.read(va, LOAD8), `T0SZ ${tsz}`).toBe(VALUE);
      expectAbort(h.read(va + 0x1000n, LOAD8), translation(0), va + 0x1000n);
    }
  });

  it.each([0, 1, 2, 3])('reports a translation fault at level %i', (level) => {
    low.map(LOW, PAGE);
    h.poke(low.entry(LOW, level), 0n);
    on();
    expectAbort(h.read(LOW, LOAD8), translation(level), LOW);
    expectAbort(h.write(LOW, STORE8, 1n), translation(level) | WRITE, LOW);
  });

  it('reports reserved descriptors as translation faults', () => {
    low.map(LOW, PAGE);
    h.poke(low.entry(LOW, 3), BigInt(PAGE) | accessFlag | DESCRIPTOR.valid);
    low.map(1n << 40n, PAGE, { level: 0 });
    on();
    expectAbort(h.read(LOW, LOAD8), translation(3), LOW);
    expectAbort(h.read(1n << 40n, LOAD8), translation(0), 1n << 40n);
  });

  it('reports the access flag, before permissions', () => {
    low.map(LOW, PAGE, { bits: readOnly });
    low.map(1n << 30n, RAM_BASE, { level: 1, bits: 0n });
    on();
    expectAbort(h.write(LOW, STORE8, 1n), accessFault(3) | WRITE, LOW);
    expectAbort(h.read(1n << 30n, LOAD8), accessFault(1), 1n << 30n);
  });

  it('reports addresses beyond IPS, of leaves, tables and the base', () => {
    low.map(LOW, PAGE);
    const leaf = low.entry(LOW, 3);
    const table = low.entry(LOW, 1);
    on({ tcr: 0n });
    h.msr('TCR_EL1', h.get('TCR_EL1') & ~(7n << 32n));
    expect(h.read(LOW, LOAD8)).toBe(VALUE);
    h.poke(leaf, h.peek(leaf) | (1n << 32n));
    h.operate('TLBI VMALLE1');
    expectAbort(h.read(LOW, LOAD8), addressSize(3), LOW);
    h.poke(table, h.peek(table) | (1n << 40n));
    expectAbort(h.read(LOW, LOAD8), addressSize(1), LOW);
    h.msr('TTBR0_EL1', 1n << 36n);
    expectAbort(h.read(LOW, LOAD8), addressSize(0), LOW);
  });

  it('reports tables outside RAM as external aborts on the walk', () => {
    low.map(LOW, PAGE);
    h.poke(low.entry(LOW, 1), 0x1000_0000n | 3n);
    on();
    expectAbort(h.read(LOW, LOAD8), 0b010100 | 2, LOW);
  });

  it('refuses addresses between the halves, and disabled halves', () => {
    low.map(LOW, PAGE);
    on();
    expectAbort(h.read(LOW | (1n << 48n), LOAD8), translation(0), LOW | (1n << 48n));
    expectAbort(h.read(LOW | (1n << 60n), LOAD8), translation(0), LOW | (1n << 60n));
    on({ tcr: 1n << 7n });
    expectAbort(h.read(LOW, LOAD8), translation(0), LOW);
  });

  it('ignores the top byte with TBI, in each half', () => {
    low.map(LOW, PAGE);
    high.map(HIGH & 0xffff_ffff_ffffn, OTHER_PAGE);
    on({ tcr: 3n << 37n });
    expect(h.read(LOW | (0xabn << 56n), LOAD8)).toBe(VALUE);
    expect(h.read(HIGH & ~(0xabn << 56n), LOAD8)).toBe(OTHER);
    h.operate('TLBI VAE1', LOW >> 12n);
    expect(h.lookUp('TLB_READ', LOW | (0xabn << 56n))).toBeUndefined();
  });
});

describe('permissions', () => {
  /** What each leaf lets EL1 and EL0 do: read, write, execute. */
  const ROWS: readonly (readonly [string, bigint, bigint, string, string])[] = [
    ['kernel read-write', 0n, 0n, 'rwx', '--x'],
    ['kernel read-only', readOnly, 0n, 'r-x', '--x'],
    ['user read-write', el0, 0n, 'rw-', 'rwx'],
    ['user read-only', el0 | readOnly, 0n, 'r-x', 'r-x'],
    ['PXN', el0 | readOnly | pxn, 0n, 'r--', 'r-x'],
    ['UXN', el0 | readOnly | uxn, 0n, 'r-x', 'r--'],
    ['kernel PXN', pxn, 0n, 'rw-', '--x'],
    ['table: no EL0', el0, DESCRIPTOR.noEl0Table, 'rwx', '--x'],
    ['table: read-only', el0, DESCRIPTOR.readOnlyTable, 'r-x', 'r-x'],
    ['table: PXN', el0 | readOnly, DESCRIPTOR.pxnTable, 'r--', 'r-x'],
    ['table: UXN', el0 | readOnly, DESCRIPTOR.uxnTable, 'r-x', 'r--'],
    ['software bits 63:59 of the leaf', 0xfn << 59n, 0n, 'rwx', '--x'],
  ];

  /** Tries a read, a write and a fetch at the current level. */
  function tried(): string {
    const pc = h.pc;
    const el = h.field('EL');
    const fails = (what: boolean) => {
      if (!what && el === 0) h.enterEl0(pc);
      return what;
    };
    const r = fails(h.read(LOW, LOAD8) !== undefined) ? 'r' : '-';
    const w = fails(h.write(LOW, STORE8, VALUE)) ? 'w' : '-';
    h.pc = LOW;
    const x = fails(h.cpu.fetchAddress() !== 0) ? 'x' : '-';
    return r + w + x;
  }

  it.each(ROWS)('follows %s', (_name, bits, tableBits, kernel, user) => {
    low.map(LOW, PAGE, { bits: bits | accessFlag, tableBits });
    on();
    expect(tried()).toBe(kernel);
    h.enterEl0(LOW);
    expect(tried()).toBe(user);
  });

  it('makes writable pages non-executable with WXN', () => {
    low.map(LOW, PAGE, { bits: accessFlag });
    on({ sctlr: 1n << 19n });
    expect(tried()).toBe('rw-');
    low.map(LOW, PAGE, { bits: accessFlag | el0 });
    h.operate('TLBI VMALLE1');
    h.enterEl0(LOW);
    expect(tried()).toBe('rw-');
  });

  it('reports permission faults with level, direction and origin', () => {
    low.map(LOW, PAGE, { bits: readOnly | accessFlag });
    low.map(1n << 30n, RAM_BASE, { level: 1, bits: readOnly | accessFlag });
    on();
    expectAbort(h.write(LOW, STORE8, 0n), permission(3) | WRITE, LOW);
    expectAbort(h.write(1n << 30n, STORE8, 0n), permission(1) | WRITE, 1n << 30n);
    h.enterEl0(LOW);
    expectAbort(h.read(LOW, LOAD8), permission(3), LOW, 0x24);
  });

  it('keeps read-only pages out of the write array', () => {
    low.map(LOW, PAGE, { bits: readOnly | accessFlag });
    on();
    h.read(LOW, LOAD8);
    expect(h.lookUp('TLB_READ', LOW)).toBe(PAGE);
    expect(h.lookUp('TLB_WRITE', LOW)).toBeUndefined();
  });

  it('hides user pages from EL1 under PAN, but not from LDTR', () => {
    low.map(LOW, PAGE, { bits: el0 | accessFlag });
    on();
    expect(h.read(LOW, LOAD8)).toBe(VALUE);
    h.cpu.systemImmediate(0o04, 1);
    expect(h.lookUp('TLB_READ', LOW)).toBeUndefined();
    expectAbort(h.read(LOW, LOAD8), permission(3), LOW);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(VALUE);
    expect(h.lookUp('TLB_READ_UNPRIVILEGED', LOW)).toBe(PAGE);
    h.cpu.systemImmediate(0o04, 0);
    expect(h.lookUp('TLB_READ', LOW)).toBe(PAGE);
  });

  it('checks LDTR as EL0 unless UAO', () => {
    low.map(LOW, PAGE);
    on();
    expectAbort(h.read(LOW, UNPRIVILEGED_LOAD), permission(3), LOW);
    h.cpu.systemImmediate(0o03, 1);
    expect(h.read(LOW, UNPRIVILEGED_LOAD)).toBe(VALUE);
  });

  it('hides a half from EL0 with E0PD', () => {
    high.map(HIGH & 0xffff_ffff_ffffn, PAGE, { bits: el0 | accessFlag });
    on({ tcr: 1n << 56n });
    expect(h.read(HIGH, LOAD8)).toBe(VALUE);
    h.enterEl0(LOW);
    expectAbort(h.read(HIGH, LOAD8), translation(0), HIGH, 0x24);
  });
});

describe('instruction fetch', () => {
  it('gives the RAM page of PC and reports aborts in FAR and ISS', () => {
    low.map(LOW, PAGE);
    on();
    h.pc = LOW + 0x40n;
    const page = h.cpu.fetchAddress();
    expect(page - h.memory.ramOffset + RAM_BASE).toBe(PAGE);
    h.pc = LOW + 0x1000n;
    expect(h.cpu.fetchAddress()).toBe(0);
    expect(h.syndrome()).toEqual({ ec: 0x21, il: 1, iss: translation(3) });
    expect(h.get('FAR_EL1')).toBe(LOW + 0x1000n);
  });

  it('takes an external abort outside RAM', () => {
    h.pc = 0x1000n;
    expect(h.cpu.fetchAddress()).toBe(0);
    expect(h.syndrome()).toEqual({ ec: 0x21, il: 1, iss: EXTERNAL });
  });

  it('drops the tag of PC where the top byte is ignored', () => {
    low.map(LOW, PAGE);
    on({ tcr: 1n << 37n });
    h.pc = LOW | (0xabn << 56n);
    expect(h.cpu.fetchAddress()).not.toBe(0);
    expect(h.pc).toBe(LOW);
  });

  it('says whether fetches are cached', () => {
    expect(h.cpu.instructionCacheEnabled()).toBe(false);
    h.msr('SCTLR_EL1', 1n << 12n);
    expect(h.cpu.instructionCacheEnabled()).toBe(true);
  });

  it('hides what was fetched through the cache when that is switched off', () => {
    h.msr('SCTLR_EL1', 1n << 12n);
    const cached = h.field('FETCH_TLB');
    h.msr('SCTLR_EL1', 0n);
    expect(h.field('FETCH_TLB')).not.toBe(cached);
  });
});

describe('alignment', () => {
  it('lets Normal memory be unaligned unless SCTLR_EL1.A or the instruction object', () => {
    low.map(LOW, PAGE);
    on();
    expect(h.read(LOW + 1n, LOAD4)).toBe(0x4455_6677n);
    expectAbort(
      h.read(LOW + 13n, accessWord({ sizeBytes: 4, alignmentBytes: 4, read: true })),
      ALIGNMENT,
      LOW + 13n,
    );
    on({ sctlr: 2n });
    expectAbort(h.write(LOW + 1n, storeAccess(4), 0n), ALIGNMENT | WRITE, LOW + 1n);
    expect(h.read(LOW + 4n, loadAccess(16, 4))).toBeDefined();
  });

  it('lets ordered accesses be unaligned within 16 bytes, and anywhere with SCTLR_EL1.nAA', () => {
    const ordered = accessWord({ sizeBytes: 4, alignmentBytes: 4, read: true, ordered: true });
    low.map(LOW, PAGE);
    on();
    expect(h.read(LOW + 1n, ordered)).toBe(0x4455_6677n);
    expectAbort(h.read(LOW + 13n, ordered), ALIGNMENT, LOW + 13n);
    on({ sctlr: 1n << 6n });
    expect(h.read(LOW + 13n, ordered)).toBeDefined();
    on({ sctlr: 2n });
    expectAbort(h.read(LOW + 1n, ordered), ALIGNMENT, LOW + 1n);
  });

  it('demands alignment of atomics and ordered accesses on a CPU without FEAT_LSE2', () => {
    h = new CpuHarness(false, 'cortex-a72');
    low = new TranslationTables(h);
    low.map(LOW, PAGE);
    on();
    const ordered = accessWord({ sizeBytes: 4, alignmentBytes: 4, read: true, ordered: true });
    expectAbort(h.read(LOW + 1n, ordered), ALIGNMENT, LOW + 1n);
    expectAbort(h.rmw(LOW + 4n, SWAP8), ALIGNMENT, LOW + 4n);
  });

  it('demands aligned elements of Device memory, after permissions', () => {
    low.map(LOW, PAGE, { bits: accessFlag | readOnly | DESCRIPTOR.attribute(DEVICE) });
    on();
    expect(h.read(LOW, LOAD8)).toBe(VALUE);
    expect(h.lookUp('TLB_READ', LOW)).toBeUndefined();
    expectAbort(h.read(LOW + 2n, LOAD4), ALIGNMENT, LOW + 2n);
    expectAbort(h.write(LOW + 2n, storeAccess(4), 0n), permission(3) | WRITE, LOW + 2n);
  });

  it('treats data as Device memory while the MMU is off', () => {
    expect(h.read(BigInt(PAGE), LOAD8)).toBe(VALUE);
    expectAbort(h.read(BigInt(PAGE) + 1n, LOAD4), ALIGNMENT, BigInt(PAGE) + 1n);
    expect(h.lookUp('TLB_READ', BigInt(PAGE))).toBeUndefined();
    expectAbort(h.read(1n << 48n, LOAD8), addressSize(0), 1n << 48n);
    expect(h.write(BigInt(PAGE), storeAccess(8), 5n)).toBe(true);
    expectAbort(h.write(BigInt(PAGE) + 2n, storeAccess(4), 0n), ALIGNMENT | WRITE, BigInt(PAGE) + 2n);
    expect(h.read(BigInt(PAGE), LOAD8)).toBe(5n);
  });

  it('uses the TLB with the MMU off where the fast path checks alignment', () => {
    h = new CpuHarness(true);
    h.poke(PAGE, VALUE);
    expect(h.read(BigInt(PAGE), LOAD8)).toBe(VALUE);
    expect(h.lookUp('TLB_READ', BigInt(PAGE))).toBe(PAGE);
    expectAbort(h.read(BigInt(PAGE) + 1n, LOAD4), ALIGNMENT, BigInt(PAGE) + 1n);
  });

  it('refuses DC ZVA on Device memory and reports the address as given', () => {
    low.map(LOW, PAGE, { bits: accessFlag | DESCRIPTOR.attribute(DEVICE) });
    on();
    expectAbort(h.rmw(LOW + 5n, ZERO_BLOCK_ACCESS), ALIGNMENT | WRITE, LOW + 5n);
  });
});

describe('accesses over a page boundary', () => {
  const END = LOW + 0xffen;
  beforeEach(() => {
    h.poke(PAGE + 0xff8, 0x2211_0000_0000_0000n);
    h.poke(OTHER_PAGE, 0x6655_4433n);
  });

  it('reads and writes both pages', () => {
    low.map(LOW, PAGE);
    low.map(LOW + 0x1000n, OTHER_PAGE);
    on();
    expect(h.read(END, LOAD4)).toBe(0x4433_2211n);
    expect(h.write(END, storeAccess(4), 0xddcc_bbaan)).toBe(true);
    expect(h.peek(PAGE + 0xff8)).toBe(0xbbaa_0000_0000_0000n);
    expect(h.peek(OTHER_PAGE)).toBe(0x6655_ddccn);
  });

  it('writes nothing when the second page faults, and reports its first byte', () => {
    low.map(LOW, PAGE);
    low.map(LOW + 0x1000n, OTHER_PAGE, { bits: readOnly | accessFlag });
    on();
    expectAbort(h.write(END, storeAccess(4), 0n), permission(3) | WRITE, LOW + 0x1000n);
    expect(h.peek(PAGE + 0xff8)).toBe(0x2211_0000_0000_0000n);
  });

  it('reports the first page when both fault', () => {
    on();
    expectAbort(h.read(END, LOAD4), translation(0), END);
  });

  it('carries into the high half of the address', () => {
    const va = 0x1_0000_0000n;
    low.map(va - 0x1000n, PAGE);
    low.map(va, OTHER_PAGE);
    on();
    expect(h.read(va - 2n, LOAD4)).toBe(0x4433_2211n);
  });
});

describe('devices', () => {
  const seen: string[] = [];
  const MMIO = 0x0900_0000;
  beforeEach(() => {
    seen.length = 0;
    h.bus.map(
      { name: 'test', base: MMIO, size: 0x1000 },
      {
        read: (offset, size) => {
          seen.push(`read ${offset} ${size}`);
          return 0xa0 + offset;
        },
        write: (offset, size, value) => seen.push(`write ${offset} ${size} ${value.toString(16)}`),
      },
    );
    low.map(LOW, MMIO, { bits: accessFlag | DESCRIPTOR.attribute(DEVICE) });
    low.map(LOW + 0x1000n, 0x0a00_0000, { bits: accessFlag | DESCRIPTOR.attribute(DEVICE) });
    on();
  });

  it('are read and written in the size of the access', () => {
    expect(h.read(LOW + 0x10n, loadAccess(1))).toBe(0xb0n);
    expect(h.read(LOW + 0x10n, loadAccess(2))).toBe(0xb0n);
    h.write(LOW + 0x20n, storeAccess(4), 0xffee_ddccn);
    expect(seen).toEqual(['read 16 1', 'read 16 2', 'write 32 4 ffeeddcc']);
    expect(h.cpu.counters().mmioAccesses).toBe(3);
  });

  it('see eight-byte accesses and pairs as words, low half first', () => {
    expect(h.read(LOW, LOAD8)).toBe(0xa4_0000_00a0n);
    h.write(LOW, storeAccess(16, 8), 0x4_0000_0003_0000_0002_0000_0001n);
    expect(seen).toEqual([
      'read 0 4',
      'read 4 4',
      'write 0 4 1',
      'write 4 4 2',
      'write 8 4 3',
      'write 12 4 4',
    ]);
  });

  it('abort where nothing answers, refuse atomics, and never enter the TLB', () => {
    expectAbort(h.read(LOW + 0x1000n, LOAD8), EXTERNAL, LOW + 0x1000n);
    expectAbort(h.write(LOW + 0x1000n, STORE8, 0n), EXTERNAL | WRITE, LOW + 0x1000n);
    expectAbort(h.rmw(LOW, SWAP8), 0b110101 | WRITE, LOW);
    h.read(LOW, LOAD4);
    expect(h.lookUp('TLB_READ', LOW)).toBeUndefined();
  });

  it('abort just past the end of RAM', () => {
    const end = BigInt(RAM_BASE + RAM_SIZE);
    low.map(LOW, Number(end));
    h.operate('TLBI VMALLE1');
    expectAbort(h.read(LOW, LOAD8), EXTERNAL, LOW);
  });
});

describe('atomics', () => {
  it('work in place and blame the read where a read would fault', () => {
    low.map(LOW, PAGE);
    low.map(LOW + 0x1000n, PAGE, { bits: readOnly | accessFlag });
    on();
    expect(h.rmw(LOW + 8n, SWAP8) - h.memory.ramOffset + RAM_BASE).toBe(PAGE + 8);
    expectAbort(h.rmw(LOW + 0x1000n, SWAP8), permission(3) | WRITE, LOW + 0x1000n);
    expectAbort(h.rmw(LOW + 0x2000n, SWAP8), translation(3), LOW + 0x2000n);
    expectAbort(h.rmw(LOW + 12n, SWAP8), ALIGNMENT, LOW + 12n);
  });

  it('zero the block around an address with DC ZVA', () => {
    low.map(LOW, PAGE);
    on();
    h.poke(PAGE + 0x78, VALUE);
    h.poke(PAGE + 0x80, OTHER);
    expect(h.operate('DC ZVA', LOW + 0x47n)).toBe(0);
    expect([h.peek(PAGE), h.peek(PAGE + 0x78), h.peek(PAGE + 0x80)]).toEqual([VALUE, 0n, OTHER]);
  });
});
