#!/usr/bin/env node
/**
 * Compares system state with QEMU: random programs at EL1 and EL0 on a bare virt board, each run until it takes an
 * exception, with random control registers, PSTATE and page descriptors. Vector, ESR, FAR, ELR, SPSR, PAR, all general
 * registers, stack pointers and memory must agree. The same binary runs in both (exceptions.c).
 *
 *   npm run oracle:exceptions -- [--seed N] [--count N] [--engine interpret|normal|translate] [--reduce]
 *     [--record N]
 *
 * --reduce leaves out the instructions that do not matter to a failure. --record N writes N cases with what QEMU made of them, and the
 * binary, to src/emu/machine/exceptions.vectors.json, for the unit tests. Needs qemu-system-aarch64 and
 * aarch64-linux-gnu-gcc.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { CASE_BYTES, CaseMaker, encodeCase, PROGRAM_WORDS, WINDOW } from './exception-cases.mjs';

const PROGRAM = fileURLToPath(new URL('exceptions.c', import.meta.url));
const COMMAND_LINE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const VECTORS = new URL('../../src/emu/machine/exceptions.vectors.json', import.meta.url);
const LOAD_ADDRESS = 0x4008_0000;
const CASES_OFFSET = 0x8_0000;
const BATCH = 1000;
const SECONDS = 300;
const SHOWN = 6;
const NOP = 0xd503201f;
const NAMES = ['vector', 'ESR', 'FAR', 'ELR', 'SPSR', 'PAR', 'registers', 'memory'];
/** Exception classes whose FAR is valid: aborts, PC alignment, watchpoints. */
const FAR_CLASSES = [0x20, 0x21, 0x22, 0x24, 0x25, 0x34, 0x35];

const folder = mkdtempSync(join(tmpdir(), 'exceptions-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

function buildProgram() {
  const elf = join(folder, 'program.elf');
  const flat = join(folder, 'program.bin');
  const flags = '-O1 -ffreestanding -mgeneral-regs-only -fno-pic -no-pie -static -mstrict-align -nostdlib';
  const link = `-Wl,--section-start=.start=0x${LOAD_ADDRESS.toString(16)},-Ttext=0x${(LOAD_ADDRESS + 0x1000).toString(16)},--build-id=none`;
  execFileSync('aarch64-linux-gnu-gcc', [...flags.split(' '), link, '-e', '_start', '-o', elf, PROGRAM]);
  execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', elf, flat]);
  return readFileSync(flat);
}

function image(program, cases) {
  const bytes = Buffer.alloc(CASES_OFFSET + 8 + cases.length * CASE_BYTES);
  program.copy(bytes);
  bytes.writeBigUInt64LE(BigInt(cases.length), CASES_OFFSET);
  for (const [i, one] of cases.entries()) encodeCase(one).copy(bytes, CASES_OFFSET + 8 + i * CASE_BYTES);
  return bytes;
}

function linesOf(stdout) {
  return stdout
    .trim()
    .split(/\r?\n/)
    .map((line) => line.trim());
}

function askQemu(file) {
  const machine = '-M virt,gic-version=3 -cpu max -m 512 -nic none -display none -monitor none -serial stdio';
  const options = { encoding: 'utf8', timeout: SECONDS * 1000, maxBuffer: 1 << 28 };
  return linesOf(spawnSync('qemu-system-aarch64', [...machine.split(' '), '-kernel', file], options).stdout);
}

function askBramble(file, engine) {
  const args = [COMMAND_LINE, '--kernel', file, '--engine', engine, '--quiet', '--timeout', String(SECONDS)];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    input: '',
  });
  if (stderr && values.verbose) console.error(stderr.slice(0, 2000));
  return linesOf(stdout);
}

/**
 * Where QEMU 7.2 and the manual disagree, or QEMU lacks a feature: pairs of outcomes that count as equal.
 * Each gets the fields of both lines as numbers, and the instruction that took QEMU's exception.
 */
const KNOWN = [
  {
    why: 'a misaligned PC comes before a fault of its page; QEMU has it the other way round',
    is: ([, ours], [, theirs]) => ours >> 26n === 0x22n && [0x20n, 0x21n].includes(theirs >> 26n),
  },
  {
    why: 'an atomic where there is no memory: unsupported here, an external abort in QEMU (IMPLEMENTATION DEFINED)',
    is: ([, ours], [, theirs]) => (ours & 0x3fn) === 0x35n && (theirs & 0x3fn) === 0x10n,
  },
  {
    why: 'a program has changed its own code without saying so, which QEMU notices',
    is: ([, ours, , at], [, theirs, , elr], word) =>
      ours === END_OF_PROGRAM && theirs !== ours && (at === elr || word === NOP),
  },
  {
    why: 'a program has changed its own code and said so by IC IALLU, but not by ISB: QEMU executes what was there',
    is: ([, ours], [, theirs], _word, { words }) =>
      theirs === END_OF_PROGRAM && ours !== theirs && words.includes(IC_IALLU),
  },
  {
    why: 'a program has overwritten the vectors: QEMU clears the flags when it takes an exception',
    is: (_ours, theirs) => theirs[3] >= BigInt(LOAD_ADDRESS) && theirs[3] < WINDOW,
  },
  {
    why: 'QEMU keeps PSTATE.PAN in an illegal exception return',
    is: (ours, theirs) =>
      (theirs[4] & SPSR_IL) !== 0n &&
      ours.every((value, i) => value === theirs[i] || (value ^ theirs[i]) === SPSR_PAN),
  },
  {
    why: 'a store of several parts that faults in the second page may have written the first',
    is: (ours, theirs, word) =>
      ours.every((value, i) => value === theirs[i] || NAMES[i] === 'memory') && /^ST/.test(nameOf(word)),
  },
  {
    why: 'external aborts: FAR is not what the instruction asked for in QEMU',
    is: ([, ours], [, theirs]) => ours === theirs && (theirs & 0x3fn) === 0x10n,
  },
  {
    why: 'QEMU lets accesses to Device memory be misaligned',
    is: ([, esr, far], _theirs, _word, { descriptor }) =>
      isAlignmentFault(esr) && isDevice(descriptor[Number((far >> 12n) & 3n)] ?? 0n),
  },
  {
    why: 'QEMU lets LDAPR be misaligned',
    is: ([, esr, , elr], _theirs, _word, one) =>
      isAlignmentFault(esr) && nameOf(wordAt(one, elr)).startsWith('LDAPR'),
  },
  {
    why: 'QEMU has no stack pointer alignment check',
    is: ([, esr]) => esr >> 26n === 0x26n,
  },
  {
    why: 'QEMU has no FEAT_LSE2: atomics and ordered accesses within 16 bytes',
    is: (_ours, [, esr, far], word) =>
      isAlignmentFault(esr) && DEMANDS_ALIGNMENT.test(nameOf(word)) && (far & 15n) !== 0n,
  },
  {
    why: 'QEMU swaps op1 and op2 in the syndrome of a trapped MSR (immediate)',
    is: ([, ours], [, theirs], word) => nameOf(word).startsWith('MSR DAIF') && (ours ^ theirs) < 1n << 20n,
  },
];
const isDevice = (descriptor) => ((descriptor >> 2n) & 7n) === 1n;
const isAlignmentFault = (esr) => [0x24n, 0x25n].includes(esr >> 26n) && (esr & 0x3fn) === 0x21n;
const DEMANDS_ALIGNMENT =
  /^(LDA?X|STL?X|LDL?AR|STL?LR|CAS|SWP|LDAPUR|STLUR|(LD|ST)(ADD|CLR|EOR|SET|[SU]M(AX|IN)))/;
const nameOf = (word) => (word === undefined ? '' : (a64Decoder.decode(word)?.row.name ?? ''));
const knownCounts = new Map();

/** PSTATE.BTYPE shows in SPSR only where a guarded page is involved (docs/decisions.md). */
const BRANCH_TARGET = 0xdn;
/** ESR_EL1 of the BRK that ends every program. */
const END_OF_PROGRAM = 0xf20003ffn;
const IC_IALLU = 0xd508751f;
const SPSR_IL = 1n << 20n;
const SPSR_PAN = 1n << 22n;
const SPSR_BTYPE = 3n << 10n;

function comparable(line) {
  const fields = line.split(' ').map((text) => BigInt(`0x${text || 0}`));
  if (fields[4] !== undefined && (fields[1] ?? 0n) >> 26n !== BRANCH_TARGET) fields[4] &= ~SPSR_BTYPE;
  return fields;
}

function wordAt({ words }, elr) {
  const index = Number((elr - WINDOW - 0x100n) / 4n);
  return words[index];
}

/** The names of what differs. */
function differences(one, ours = '', theirs = '') {
  const [a, b] = [comparable(ours), comparable(theirs)];
  const known = KNOWN.find(({ is }) => is(a, b, wordAt(one, b[3] ?? 0n), one));
  if (known && ours !== theirs) {
    knownCounts.set(known.why, (knownCounts.get(known.why) ?? 0) + 1);
    return [];
  }
  const ec = Number((b[1] ?? 0n) >> 26n);
  return NAMES.filter((name, i) => a[i] !== b[i] && (name !== 'FAR' || FAR_CLASSES.includes(ec)));
}

function compare(program, cases, engine) {
  const file = join(folder, 'cases.bin');
  writeFileSync(file, image(program, cases));
  const theirs = askQemu(file);
  const ours = askBramble(file, engine);
  if (theirs.length < cases.length)
    console.log(`QEMU stopped at case ${theirs.length - 1}: ${describe(cases[theirs.length - 1])}`);
  const count = Math.min(cases.length, theirs.length);
  return cases.slice(0, count).map((one, i) => ({
    one,
    ours: ours[i],
    theirs: theirs[i],
    wrong: differences(one, ours[i], theirs[i]),
  }));
}

function describe({ words, spsr, sctlr, cpacr, tcr, descriptor, tableAttributes, x, spEl0, spEl1 }) {
  const hex = (value) => value.toString(16);
  const code = words
    .map((word, i) => [
      word,
      `    ${hex(WINDOW + 0x100n + BigInt(4 * i))}  ${hex(word).padStart(8, '0')}  ${disassemble(word, WINDOW + 0x100n + BigInt(4 * i), { aliases: true })}`,
    ])
    .filter(([word]) => word !== NOP)
    .map(([, text]) => text);
  const registers = x.map((value, i) => `x${i}=${hex(value)}`).join(' ');
  return `spsr ${hex(spsr)} sctlr ${hex(sctlr)} cpacr ${hex(cpacr)} tcr ${hex(tcr)} descriptors ${descriptor.map(hex).join(' ')} table ${hex(tableAttributes)} sp_el0 ${hex(spEl0)} sp_el1 ${hex(spEl1)}
    ${registers}\n${code.join('\n')}`;
}

/** Leaves out instructions as long as the same things differ. */
function reduce(program, failures, engine) {
  let current = failures;
  for (let at = 0; at < PROGRAM_WORDS; at++) {
    const variants = current.map(({ one }) => ({ ...one, words: one.words.with(at, NOP) }));
    const results = compare(program, variants, engine);
    current = current.map((failure, i) =>
      results[i]?.wrong.join() === failure.wrong.join() ? results[i] : failure,
    );
  }
  return current;
}

function report(failures) {
  for (const { one, ours, theirs, wrong } of failures) {
    console.log(`${wrong.join(', ')} differ`);
    console.log(`  ours   ${ours}\n  theirs ${theirs}`);
    console.log(`    ${describe(one)}`);
  }
}

/** Cases in which both agree to the letter. */
function record(program, count) {
  const file = join(folder, 'cases.bin');
  const agreed = compare(program, make(2 * count), values.engine).filter(
    ({ ours, theirs }) => ours === theirs,
  );
  const cases = agreed.slice(0, count).map(({ one }) => one);
  writeFileSync(file, image(program, cases));
  const theirs = askQemu(file);
  if (theirs.length !== cases.length)
    throw new Error(`QEMU answered ${theirs.length} of ${cases.length} cases`);
  const packed = deflateRawSync(readFileSync(file), { level: 9 }).toString('base64');
  writeFileSync(VECTORS, `${JSON.stringify({ image: packed, expected: theirs }, undefined, 1)}\n`);
  console.log(`${cases.length} cases recorded`);
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '4000' },
    engine: { type: 'string', default: 'normal' },
    record: { type: 'string' },
    reduce: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const program = buildProgram();
const maker = new CaseMaker(new RandomWords(Number(values.seed)));
const make = (count) => Array.from({ length: count }, () => maker.make());
if (values.record) record(program, Number(values.record));
else {
  const failures = [];
  const classes = new Map();
  let total = 0;
  for (let left = Number(values.count); left > 0; left -= BATCH) {
    const results = compare(program, make(Math.min(left, BATCH)), values.engine);
    total += results.length;
    for (const { theirs } of results) {
      const ec = `0x${(Number.parseInt(theirs.split(' ')[1], 16) >>> 26).toString(16).padStart(2, '0')}`;
      classes.set(ec, (classes.get(ec) ?? 0) + 1);
    }
    failures.push(...results.filter(({ wrong }) => wrong.length > 0));
  }
  const shown = failures.slice(0, SHOWN);
  report(values.reduce ? reduce(program, shown, values.engine) : shown);
  const kinds = [...classes]
    .toSorted()
    .map(([ec, count]) => `${ec}: ${count}`)
    .join(', ');
  console.log(`exception classes: ${kinds}`);
  for (const [why, count] of knownCounts) console.log(`known: ${why}: ${count}`);
  console.log(`${total} programs: ${failures.length} differ`);
  process.exit(failures.length === 0 ? 0 : 1);
}
