/**
 * Random programs for exceptions.mjs, weighted towards what makes exceptions: accesses to pages that forbid them,
 * misaligned and foreign addresses, system registers and PSTATE, calls, returns, instructions that are disabled.
 */
import { A64_ROWS, a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { assemble } from '../../src/emu/isa/assembler.ts';
import { insertFields } from '../../src/emu/isa/pattern.ts';
import {
  EXCLUDED,
  isMemoryAccess,
  isStoreExclusive,
  isUnpredictable,
} from '../../src/emu/testing/unpredictable.ts';

export const PROGRAM_WORDS = 16;
export const WINDOW = 0x8000_0000n;
const HEADER_WORDS = 10;
const REGISTERS = 31;
export const CASE_BYTES = 8 * (HEADER_WORDS + REGISTERS) + 4 * PROGRAM_WORDS;
const LONGEST = 8;
const NOP = 0xd503201f;

/** RES1 bits, M, C, I, EIS, EOS, EnDB. */
const SCTLR_BASE = (0x3050_1985n & ~(1n << 20n)) | (1n << 22n) | (1n << 13n);
/** A SA SA0 UMA DZE UCT nTWI nTWE SPAN UCI, nAA (which QEMU 7.2 does not have) left out. */
const SCTLR_RANDOM = [1n, 3n, 4n, 9n, 14n, 15n, 16n, 18n, 23n, 26n].map((bit) => 1n << bit);
/** T0SZ and T1SZ 25, write-back inner shareable, EPD1, TG1 4 KB, 40 bits of physical address. */
const TCR_BASE = 25n | (0x35n << 8n) | (25n << 16n) | (1n << 23n) | (2n << 30n) | (2n << 32n);
const TBI0 = 1n << 37n;
const CPACR_FPEN = 20n;
/** SPSR: flags, UAO, PAN, IL, SSBS, DIT. */
const SPSR_RANDOM = [31n, 30n, 29n, 28n, 23n, 22n, 12n, 24n].map((bit) => 1n << bit);
const [EL0T, EL1T, EL1H] = [0n, 4n, 5n];
const SPSR_IL = 1n << 20n;
const DAIF = 0x3c0n;

/** Descriptor bits: page, AF, inner shareable; AP[2:1], nG, PXN, UXN; AttrIndx. */
const PAGE = 3n;
const AF = 1n << 10n;
const [AP_EL0, AP_READ_ONLY, NG] = [1n << 6n, 1n << 7n, 1n << 11n];
const [PXN, UXN] = [1n << 53n, 1n << 54n];
const GUARDED = 1n << 50n;
/** NSTable aside: PXNTable, UXNTable, APTable. */
const TABLE_BITS = [59n, 60n, 61n, 62n].map((bit) => 1n << bit);

const SYSTEM = [
  ...['msr pan, #0', 'msr pan, #1', 'msr uao, #0', 'msr uao, #1', 'msr spsel, #0', 'msr spsel, #1'],
  ...['msr ssbs, #1', 'msr dit, #1', 'msr daifset, #15', 'msr daifclr, #8', 'mrs x3, daif', 'msr daif, x5'],
  ...['mrs x3, pan', 'mrs x3, uao', 'mrs x3, spsel', 'mrs x3, currentel', 'mrs x3, nzcv', 'msr nzcv, x5'],
  ...[
    'mrs x3, dit',
    'mrs x3, ssbs',
    'msr dit, x5',
    'msr ssbs, x5',
    'msr pan, x5',
    'msr uao, x5',
    'msr spsel, x5',
  ],
  ...['mrs x3, sp_el0', 'msr sp_el0, x5', 'mrs x3, elr_el1', 'mrs x3, spsr_el1', 'mrs x3, esr_el1'],
  ...['mrs x3, far_el1', 'msr far_el1, x5', 'msr esr_el1, x5', 'mrs x3, par_el1', 'msr par_el1, x5'],
  ...['msr contextidr_el1, x5', 'mrs x3, contextidr_el1', 'msr tpidr_el0, x5', 'mrs x3, tpidr_el0'],
  ...[
    'msr fpcr, x5',
    'mrs x3, fpcr',
    'mrs x3, fpsr',
    'mrs x3, mair_el1',
    'mrs x3, tcr_el1',
    'mrs x3, vbar_el1',
  ],
  ...[
    'mrs x3, sctlr_el1',
    'mrs x3, cpacr_el1',
    'mrs x3, sctlr_el2',
    'mrs x3, s3_3_c15_c2_1',
    'msr scr_el3, x5',
  ],
  ...['msr cpacr_el1, xzr\n isb', 'fmov x3, d1', 'fmov d1, x3', 'add v1.4s, v2.4s, v3.4s', 'fadd d1, d2, d3'],
  ...[
    'svc #0x1234',
    'brk #0x55',
    'hlt #1',
    'smc #2',
    'udf #3',
    '.word 0x00c0ffee',
    'eret',
    'isb',
    'dsb sy',
    'clrex',
  ],
  ...['dc zva, x8', 'ic iallu'],
  ...['at s1e1r, x8', 'at s1e1w, x8', 'at s1e0r, x8', 'at s1e0w, x8', 'at s1e1rp, x8', 'at s1e1wp, x8'],
  ...[
    'tlbi vmalle1',
    'tlbi vae1, x8',
    'tlbi rvae1, x8',
    'tlbi vae1os, x8',
    'br x9',
    'blr x9',
    'ret x9',
    'cfinv',
  ],
  ...[
    'msr elr_el1, x11\n msr spsr_el1, x12\n eret',
    'mov sp, x8',
    'ldr x3, [sp]',
    'str x3, [sp, #8]',
    'wfi',
    'wfe',
  ],
].map((source) => ({ source, words: [...words(source)] }));

function words(source) {
  const { bytes } = assemble(source, WINDOW);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/**
 * Codes of pointer authentication are neither made nor checked: SCTLR_EL1 enables key DB alone, without which QEMU 7.2
 * does not execute XPAC, and what uses DB is left out, with PACGA, which makes a code in any case.
 */
const MAKES_CODES = /^(PACGA|(PAC|AUT)DZ?B|LDRAB)/;
const isGenerated = ({ name, feature }) =>
  !(name in EXCLUDED) || (feature === 'FEAT_PAuth' && !MAKES_CODES.test(name));
/** DC and IC by address are left out: QEMU does not translate it. */
const ACCESSES = A64_ROWS.filter((row) => isMemoryAccess(row) && isGenerated(row));
const OTHERS = A64_ROWS.filter(
  (row) =>
    !isMemoryAccess(row) && isGenerated(row) && !/^(B|BL|CB|TB|RET|ERET|HVC|MRS|MSR|HINT)/.test(row.name),
);
const AUTHENTICATION = OTHERS.filter(({ feature }) => feature === 'FEAT_PAuth');
/** What writes does not do so where X9 and X11 lead: a program that changes its own code tells nothing. */
const WRITES = /^(ST|SWP|CAS|LD(ADD|CLR|EOR|SET|[SU]M))/;
const CODE_POINTERS = [9, 11];
/** A load-exclusive of the same size and address as a store: L set, Rs all ones, Rt2 of the single form too. */
const LOAD_EXCLUSIVE = 1 << 22;
const RS_ONES = 31 << 16;
const RT2_ONES = 31 << 10;
const [RT_MASK, LOADED_RT, LOADED_RT2] = [31, 3, 6];

export class CaseMaker {
  constructor(random) {
    this.random = random;
  }

  below(limit) {
    return (this.random.next() >>> 0) % limit;
  }

  chance(oneIn) {
    return this.below(oneIn) === 0;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  wide() {
    return (BigInt(this.random.next() >>> 0) << 32n) | BigInt(this.random.next() >>> 0);
  }

  some(bits, oneIn) {
    return bits.reduce((value, bit) => (this.chance(oneIn) ? value | bit : value), 0n);
  }

  make() {
    const mode = this.pick([EL0T, EL0T, EL1H, EL1H, EL1T]);
    const spsr = mode | DAIF | this.some(SPSR_RANDOM, 3) | (this.chance(60) ? SPSR_IL : 0n);
    return {
      sctlr: SCTLR_BASE | this.some(SCTLR_RANDOM, 2),
      cpacr: BigInt(this.chance(3) ? this.below(4) : 3) << CPACR_FPEN,
      tcr: TCR_BASE | (this.chance(2) ? TBI0 : 0n),
      spsr,
      tableAttributes: this.chance(8) ? this.some(TABLE_BITS, 2) : 0n,
      descriptor: [this.codeDescriptor(mode), this.dataDescriptor(), this.dataDescriptor()],
      spEl0: this.pointer(),
      spEl1: this.pointer(),
      x: Array.from({ length: REGISTERS }, (_, i) => this.register(i)),
      words: this.program(mode),
    };
  }

  codeDescriptor(mode) {
    if (this.chance(25)) return this.dataDescriptor();
    const forEl0 = AP_EL0 | (this.chance(2) ? AP_READ_ONLY : 0n);
    const forEl1 = this.chance(2) ? AP_READ_ONLY | (this.chance(2) ? AP_EL0 : 0n) : 0n;
    return (
      PAGE |
      AF |
      0x300n |
      (mode === EL0T ? forEl0 : forEl1) |
      this.some([mode === EL0T ? PXN : UXN, NG, GUARDED], 2)
    );
  }

  dataDescriptor() {
    if (this.chance(12)) return this.wide() & 0xfff0_0000_0000_0ffen;
    const type = this.chance(20) ? 1n : PAGE;
    const attributes = BigInt(this.chance(5) ? this.below(3) : 0) << 2n;
    return (
      type |
      attributes |
      this.some([AP_EL0, AP_READ_ONLY, NG, PXN, UXN], 2) |
      (this.chance(10) ? 0n : AF | 0x300n)
    );
  }

  /** An address: near the edges of the data pages, aligned more often than not; sometimes nowhere. */
  pointer() {
    const edge = this.pick([0x1000n, 0x2000n, 0x2000n, 0x3000n, 0x1800n]);
    let address = WINDOW + edge + BigInt(this.below(64) - 32);
    if (!this.chance(3)) address &= ~0xfn;
    if (this.chance(12)) address |= this.pick([0xffff_ff00n << 32n, 1n << 40n, 0x5500n << 48n, 0x80n << 48n]);
    if (this.chance(30)) address = this.pick([0x3000_0000n, WINDOW + 0x8000n, (1n << 39n) - 4n]);
    return BigInt.asUintN(64, address);
  }

  register(index) {
    // Where branches and returns go, and with which state.
    if (index === 9)
      return WINDOW + this.pick([0x140n, 0x130n, 0x138n, 0x142n, 0x1000n - 0x800n, 0x8000n, 0x101n]);
    if (index === 11) return WINDOW + 0x140n + (this.chance(6) ? 2n : 0n);
    if (index === 12)
      return this.pick([EL0T, EL1T, EL1H, EL1H, 9n, 13n, 1n, SPSR_IL | EL0T]) | this.some(SPSR_RANDOM, 2);
    if (index % 3 !== 2) return this.pointer();
    return this.chance(2) ? BigInt(this.below(64)) : this.wide();
  }

  program(mode) {
    const program = [];
    while (program.length < LONGEST) {
      const chosen = this.below(10);
      if (chosen < 5) program.push(...this.access());
      else if (chosen < 8) program.push(...this.system(mode));
      else program.push(this.instruction(chosen < 9 ? OTHERS : AUTHENTICATION));
    }
    return [...program.slice(0, PROGRAM_WORDS), ...new Array(PROGRAM_WORDS).fill(NOP)].slice(
      0,
      PROGRAM_WORDS,
    );
  }

  /**
   * A store-exclusive follows its load: without one it may check the monitor before or after the address
   * (IMPLEMENTATION DEFINED).
   */
  access() {
    const word = this.instruction(ACCESSES);
    const { row, fields } = a64Decoder.decode(word);
    if (WRITES.test(row.name) && CODE_POINTERS.includes(fields.Rn)) return [];
    if (!isStoreExclusive(row)) return [word];
    if ([LOADED_RT, LOADED_RT2].includes(fields.Rn)) return [];
    const isPair = row.syntax.includes('t2>');
    const load = (word & ~RT_MASK & ~(isPair ? RT2_ONES : 0)) | LOAD_EXCLUSIVE | RS_ONES | LOADED_RT;
    return [(load | (isPair ? LOADED_RT2 << 10 : RT2_ONES)) >>> 0, word];
  }

  /** Waiting is for those whom it traps. */
  system(mode) {
    for (;;) {
      const { source, words } = this.pick(SYSTEM);
      if (source.startsWith('wf')) continue;
      if (source === 'eret' && mode !== EL0T) continue;
      return words;
    }
  }

  instruction(rows) {
    for (;;) {
      const row = this.pick(rows);
      const fields = Object.fromEntries(
        row.pattern.fields.map(({ name }) => [name, this.random.next() >>> 0]),
      );
      const word = insertFields(row.pattern, fields);
      const decoded = a64Decoder.decode(word);
      if (decoded?.row === row && !isUnpredictable(row, decoded.fields)) return word;
    }
  }
}

/** A case as the program reads it. */
export function encodeCase({ sctlr, cpacr, tcr, spsr, tableAttributes, descriptor, spEl0, spEl1, x, words }) {
  const bytes = Buffer.alloc(CASE_BYTES);
  const header = [sctlr, cpacr, tcr, spsr, tableAttributes, ...descriptor, spEl0, spEl1, ...x];
  for (const [i, value] of header.entries()) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), 8 * i);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word >>> 0, 8 * header.length + 4 * i);
  return bytes;
}
