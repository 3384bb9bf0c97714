#!/usr/bin/env node
/**
 * Records what QEMU makes of random stage 1 translations: every granule, size of address space, physical
 * size and descriptor, with faults at every level. Writes src/emu/mmu/translation.vectors.json, which the
 * unit tests compare with our walker.
 *
 *   npm run oracle:translation -- [--seed N] [--count N]
 *
 * Needs qemu-system-aarch64 and aarch64-linux-gnu-gcc. Blocks at levels without block descriptors are left
 * out (QEMU 7.2 takes them), so are tables outside RAM.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';

const PROGRAM = fileURLToPath(new URL('translation.c', import.meta.url));
const VECTORS = new URL('../../src/emu/mmu/translation.vectors.json', import.meta.url);
const PROGRAM_ADDRESS = '0x40200000';
const CASES_ADDRESS = '0x44000000';
/** One table of each level, 64 KiB apart, in the RAM that QEMU and the tests' machine have in common. */
const TABLES = 0x4070_0000n;
const TABLE_STRIDE = 0x1_0000n;
const CASE_WORDS = 13;
const QEMU_SECONDS = 120;

const GRANULES = [
  { bits: 12n, tg1: 2n, firstBlockLevel: 1 },
  { bits: 14n, tg1: 1n, firstBlockLevel: 2 },
  { bits: 16n, tg1: 3n, firstBlockLevel: 2 },
];
const PHYSICAL_BITS = [32n, 36n, 40n, 42n, 44n, 48n];
/** Normal write-back, Device-nGnRnE, Normal Non-cacheable, write-through, Device-GRE, nGRE, others. */
const MAIR = 0xbb08_0c04_bb44_00ffn;
const ACCESS_FLAG = 1n << 10n;
/** Attributes of a leaf: bits 11:2 and 63:52. */
const LEAF_ATTRIBUTES = 0xfff0_0000_0000_0ffcn;
/** NSTable, APTable, UXNTable, PXNTable. */
const TABLE_ATTRIBUTES = 0xf8n << 56n;

const bigMask = (bits) => (1n << bits) - 1n;

class CaseMaker {
  constructor(seed) {
    this.random = new RandomWords(seed);
  }

  word() {
    return (BigInt(this.random.next() >>> 0) << 32n) | BigInt(this.random.next() >>> 0);
  }

  below(limit) {
    return (this.random.next() >>> 0) % limit;
  }

  make() {
    const granule = GRANULES[this.below(GRANULES.length)];
    const tsz = 16n + BigInt(this.below(24));
    const ips = this.below(PHYSICAL_BITS.length);
    const tbi = BigInt(this.below(2));
    const inputBits = 64n - tsz;
    const stride = granule.bits - 3n;
    const levels = Number((inputBits - granule.bits + stride - 1n) / stride);
    const start = 4 - levels;
    let va = this.word() | (~0n << inputBits);
    if (tbi) va = (va & bigMask(56n)) | (this.word() << 56n);
    if (this.below(16) === 0) va ^= 1n << (inputBits + BigInt(this.below(Number(tsz))));
    va = BigInt.asUintN(64, va);
    const tcr = 16n | (tsz << 16n) | (granule.tg1 << 30n) | (BigInt(ips) << 32n) | (tbi << 38n) | (1n << 36n);
    const descriptors = [];
    for (let level = start; level <= 3; level++) {
      const shift = granule.bits + BigInt(3 - level) * stride;
      const width = level === start ? inputBits - shift : stride;
      const address = TABLES + BigInt(level) * TABLE_STRIDE + ((va >> shift) & bigMask(width)) * 8n;
      descriptors.push([address, this.descriptor(granule, level, shift, PHYSICAL_BITS[ips])]);
    }
    return { va, tcr, ttbr1: TABLES + BigInt(start) * TABLE_STRIDE, mair: MAIR, descriptors };
  }

  descriptor(granule, level, shift, limitBits) {
    if (this.below(24) === 0) return this.word() & ~1n;
    if (level === 3 && this.below(24) === 0) return (this.word() & LEAF_ATTRIBUTES) | 1n;
    const block = level >= granule.firstBlockLevel && level < 3 && this.below(4) === 0;
    if (level < 3 && !block) {
      const tooFar = this.below(24) === 0 && limitBits < 48n;
      const next = (TABLES + BigInt(level + 1) * TABLE_STRIDE) | (tooFar ? 1n << limitBits : 0n);
      return next | 3n | (this.below(3) === 0 ? this.word() & TABLE_ATTRIBUTES : 0n);
    }
    let output = this.word() & bigMask(48n) & ~bigMask(granule.bits);
    if (this.below(6)) output &= bigMask(limitBits);
    if (this.below(3)) output &= ~bigMask(shift);
    const flag = this.below(8) ? ACCESS_FLAG : 0n;
    return output | (this.word() & LEAF_ATTRIBUTES & ~ACCESS_FLAG) | flag | (block ? 1n : 3n);
  }
}

/** The cases as the program reads them. */
function encode(cases) {
  const words = new BigUint64Array(1 + cases.length * CASE_WORDS);
  words[0] = BigInt(cases.length);
  cases.forEach(({ va, tcr, ttbr1, mair, descriptors }, i) => {
    const flat = [va, tcr, ttbr1, mair, BigInt(descriptors.length), ...descriptors.flat()];
    words.set(flat, 1 + i * CASE_WORDS);
  });
  return new Uint8Array(words.buffer);
}

function askQemu(cases) {
  const folder = mkdtempSync(join(tmpdir(), 'translation-'));
  try {
    const [elf, data] = [join(folder, 'program.elf'), join(folder, 'cases.bin')];
    writeFileSync(data, encode(cases));
    const flags = '-O1 -ffreestanding -mgeneral-regs-only -fno-pic -no-pie -static -mstrict-align -nostdlib';
    const link = [`-Wl,-Ttext=${PROGRAM_ADDRESS},--build-id=none`, '-o', elf, PROGRAM];
    execFileSync('aarch64-linux-gnu-gcc', [...flags.split(' '), ...link]);
    const machine =
      '-M virt,gic-version=3 -cpu max -m 512 -nic none -display none -monitor none -serial stdio';
    const devices = [
      '-device',
      `loader,file=${data},addr=${CASES_ADDRESS},force-raw=on`,
      '-device',
      `loader,file=${elf},cpu-num=0`,
    ];
    const { stdout, stderr } = spawnSync('qemu-system-aarch64', [...machine.split(' '), ...devices], {
      encoding: 'utf8',
      timeout: QEMU_SECONDS * 1000,
      maxBuffer: 1 << 28,
    });
    const lines = stdout.trim().split(/\r?\n/);
    if (lines.length !== cases.length) throw new Error(`QEMU answered ${lines.length} cases: ${stderr}`);
    return lines.map((line) => line.split(' ').map((text) => BigInt(`0x${text}`)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1000' } },
});
const maker = new CaseMaker(Number(values.seed));
const cases = Array.from({ length: Number(values.count) }, () => maker.make());
const answers = askQemu(cases);
const hex = (value) => value.toString(16);
const rows = cases.map(({ va, tcr, ttbr1, descriptors }, i) =>
  JSON.stringify([hex(va), hex(tcr), hex(ttbr1), descriptors.flat().map(hex), answers[i].map(hex)]),
);
writeFileSync(VECTORS, `{"mair":"${hex(MAIR)}","rows":[\n${rows.join(',\n')}\n]}\n`);
const faults = answers.filter(([par]) => par & 1n).length;
console.log(`${cases.length} translations recorded, ${faults} of them end in a fault`);
