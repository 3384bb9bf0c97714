#!/usr/bin/env node
/**
 * Compares which words are instructions: our decoder, with the features of a CPU, and llvm-mc with the same.
 *
 *   npm run oracle:decode -- [--seed N] [--count N] [--near] [--cpu NAME] [--record]
 *
 * --count is the number of random words, --cpu the CPU whose features both have (max). With --near they are words of our rows with a few bits changed, which are
 * close to the borders. --record writes a sample of both to src/emu/cpu/decoding.vectors.json, which the unit tests
 * compare. Differences that have a reason are listed in KNOWN and counted. Needs llvm-mc (14 or newer).
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CPU_PROFILES } from '../../src/emu/cpu/profiles.ts';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { A64_ROWS, decoderFor } from '../../src/emu/isa/a64/index.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { insertFields } from '../../src/emu/isa/pattern.ts';
import { DIFFERENT_IN_LLVM } from '../../src/emu/testing/decoding-differences.ts';

const VECTORS = new URL('../../src/emu/cpu/decoding.vectors.json', import.meta.url);
/** llvm-mc's names of features. It has one name for some pairs; TLB maintenance and system registers are words anyway. */
const LLVM_NAMES = {
  FEAT_CRC32: 'crc',
  FEAT_LSE: 'lse',
  FEAT_RDM: 'rdm',
  FEAT_AES: 'aes',
  FEAT_SHA256: 'sha2',
  FEAT_SHA3: 'sha3',
  FEAT_DotProd: 'dotprod',
  FEAT_FP16: 'fullfp16',
  FEAT_FHM: 'fp16fml',
  FEAT_FCMA: 'complxnum',
  FEAT_JSCVT: 'jsconv',
  FEAT_LRCPC: 'rcpc',
  FEAT_LRCPC2: 'rcpc-immo',
  FEAT_FRINTTS: 'fptoint',
  FEAT_FlagM: 'flagm',
  FEAT_FlagM2: 'altnzcv',
  FEAT_DIT: 'dit',
  FEAT_SB: 'sb',
  FEAT_SSBS: 'ssbs',
  FEAT_PAN: 'pan',
  FEAT_UAO: 'uaops',
  FEAT_BTI: 'bti',
  FEAT_PAuth: 'pauth',
  FEAT_I8MM: 'i8mm',
  FEAT_BF16: 'bf16',
  FEAT_LOR: 'lor',
};
/** Their instructions are words on every CPU, here too: UNDEFINED, or trapped, when they run. */
const LLVM_ALWAYS = ['el3', 'el2vmsa'];
const BATCH = 250_000;
const SHOWN = 3;
const SHOWN_GROUPS = 40;
const RECORDED = 4000;
const MOST_CHANGED_BITS = 3;

function missingTool() {
  return spawnSync('llvm-mc', ['--version']).status === 0 ? undefined : 'llvm-mc';
}

/** What llvm-mc says of a word: an instruction (0), none, or one with bits that should be other (CONSTRAINED UNPREDICTABLE). */
const REFUSED = 1;
const DOUBTFUL = 2;

function askLlvm(words, features, ...options) {
  const bytes = (word) => [0, 8, 16, 24].map((at) => `0x${((word >>> at) & 0xff).toString(16)}`).join(' ');
  const input = `${[...words].map(bytes).join('\n')}\n`;
  const names = [...features].flatMap((feature) => LLVM_NAMES[feature] ?? []);
  const attributes = [...names, ...LLVM_ALWAYS].map((name) => `+${name}`).join();
  const result = spawnSync(
    'llvm-mc',
    ['-disassemble', '-triple=aarch64', `-mattr=${attributes}`, ...options],
    { input, maxBuffer: 2 ** 30, encoding: 'utf8' },
  );
  if (result.error) throw result.error;
  return result;
}

function refusedByLlvm(words, features) {
  const { status, stderr } = askLlvm(words, features, '-o', '/dev/null');
  const refused = new Uint8Array(words.length);
  for (const [, line, how] of stderr.matchAll(
    /^<stdin>:(\d+):\d+: warning: (invalid|potentially undefined)/gm,
  ))
    refused[Number(line) - 1] = how === 'invalid' ? REFUSED : DOUBTFUL;
  if (status !== 0 && !stderr.includes('invalid instruction encoding')) throw new Error(stderr.slice(0, 500));
  return refused;
}

function makeWords(random, count, near) {
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    if (!near) words[i] = random.next();
    else {
      const row = A64_ROWS[random.below(A64_ROWS.length)];
      const fields = Object.fromEntries(row.pattern.fields.map(({ name }) => [name, random.next()]));
      words[i] = insertFields(row.pattern, fields);
      for (let n = random.below(MOST_CHANGED_BITS + 1); n > 0; n--) words[i] ^= 1 << random.below(32);
    }
  }
  return words;
}

const hex = (word) => word.toString(16).padStart(8, '0');

class Comparison {
  known = new Map();
  groups = new Map();
  total = 0;
  unexplained = 0;
  /** Words whose reason is one only when llvm-mc prints them so. */
  toRead = [];
  doubtful = 0;

  constructor(features) {
    this.features = features;
    this.decoder = decoderFor(features);
  }

  add(words) {
    const refused = refusedByLlvm(words, this.features);
    words.forEach((word, i) => {
      const decoded = this.decoder.decode(word);
      this.total++;
      if (refused[i] === DOUBTFUL) this.doubtful++;
      if (refused[i] === DOUBTFUL || (decoded === undefined) === (refused[i] === REFUSED)) return;
      const reason = DIFFERENT_IN_LLVM.find(({ matches }) => matches(word, decoded?.row.name));
      if (reason?.text) this.toRead.push({ word, reason });
      else if (reason) this.count(reason);
      else this.note(word, decoded);
    });
    this.read();
  }

  count(reason) {
    this.known.set(reason, (this.known.get(reason) ?? 0) + 1);
  }

  read() {
    const words = this.toRead.map(({ word }) => word);
    const lines = askLlvm(words, this.features)
      .stdout.split('\n')
      .filter((line) => /^\t[^.]/.test(line));
    if (lines.length !== words.length) throw new Error(`llvm-mc printed ${lines.length} of ${words.length}`);
    this.toRead.forEach(({ word, reason }, i) => {
      if (reason.text.test(lines[i])) this.count(reason);
      else this.note(word, undefined);
    });
    this.toRead = [];
  }

  note(word, decoded) {
    this.unexplained++;
    const name = decoded
      ? `ours: ${decoded.row.name}`
      : `theirs: top ${(word >>> 21).toString(2).padStart(11, '0')}`;
    const group = this.groups.get(name) ?? [];
    this.groups.set(name, group);
    group.push(word);
  }

  report() {
    for (const [name, words] of [...this.groups].slice(0, SHOWN_GROUPS)) {
      console.log(`${name}: ${words.length}`);
      for (const word of words.slice(0, SHOWN)) console.log(`  ${hex(word)}  ${disassemble(word, 0n)}`);
    }
    for (const [{ what, why }, count] of this.known) console.log(`known: ${what} (${why}): ${count}`);
    console.log(`bits that should be other, where an instruction may be UNDEFINED or not: ${this.doubtful}`);
    console.log(`${this.total} words: ${this.unexplained} differences without a reason`);
  }
}

/** A sample of words with what llvm-mc says, known differences left out. */
function record(random) {
  const words = [...makeWords(random, RECORDED / 2, false), ...makeWords(random, RECORDED / 2, true)];
  const { features } = CPU_PROFILES.max;
  const refused = refusedByLlvm(words, features);
  const decoder = decoderFor(features);
  const kept = words
    .map((word, i) => [word, refused[i] === 0, refused[i]])
    .filter(
      ([word, , how]) =>
        how !== DOUBTFUL &&
        !DIFFERENT_IN_LLVM.some(({ matches }) => matches(word, decoder.decode(word)?.row.name)),
    );
  const select = (allocated) =>
    kept
      .filter(([, is]) => is === allocated)
      .map(([word]) => hex(word))
      .join(' ');
  const sample = { instructions: select(true), unallocated: select(false) };
  writeFileSync(VECTORS, `${JSON.stringify(sample, undefined, 1)}\n`);
  console.log(`${kept.length} words`);
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000000' },
    near: { type: 'boolean', default: false },
    cpu: { type: 'string', default: 'max' },
    record: { type: 'boolean', default: false },
  },
});
const missing = missingTool();
if (missing) {
  console.error(`${missing} is not installed`);
  process.exit(2);
}
const random = new RandomWords(Number(values.seed));
if (values.record) record(random);
else {
  const profile = CPU_PROFILES[values.cpu];
  if (!profile) throw new Error(`--cpu is one of ${Object.keys(CPU_PROFILES).join(', ')}`);
  const comparison = new Comparison(profile.features);
  for (let left = Number(values.count); left > 0; left -= BATCH)
    comparison.add(makeWords(random, Math.min(left, BATCH), values.near));
  comparison.report();
  process.exit(comparison.unexplained === 0 ? 0 : 1);
}
