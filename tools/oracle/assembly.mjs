#!/usr/bin/env node
/**
 * Compares assembly with llvm-mc over random words of every row: llvm-mc takes what our disassembler prints and makes
 * a word that prints the same; our assembler makes the very word that llvm-mc makes.
 *
 *   npm run oracle:assembly -- [--seed N] [--per-row N] [--row NAME]
 *
 * Text is compared by what it means, where oracle:disassembly compares its letters. Bits that an instruction ignores
 * may differ from the random word's. Needs llvm-mc (14 or newer).
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { AssemblyError, assemble } from '../../src/emu/isa/assembler.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { randomWords } from './random-words.mjs';

/** Features by llvm-mc's names, of which not all are in its v8.6. */
const ATTRIBUTES =
  '+v8.6a,+aes,+sha2,+sha3,+fullfp16,+fp16fml,+bf16,+i8mm,+rand,+pauth,+bti,+ssbs,+sb,+rcpc-immo,+lor,+ccpp,+ccdp,+tlb-rmi,+altnzcv,+flagm,+predres,+spe';
/** Mnemonics that LLVM learned after release 14. */
const NEW_TO_LLVM = /^clearbhb$/;
const BASE = 0x10_0000_0000n;
const MAX_OUTPUT_BYTES = 2 ** 29;
const SHOWN_PER_ROW = 2;

const hex = (value) => value.toString(16).padStart(8, '0');

/** With distances where addresses stand: llvm-mc takes numbers in branches as such. */
function relativeText(word, aliases) {
  const text = disassemble(word, 0n, { aliases });
  return text.replace(/\b0xf[0-9a-f]{15}\b/, (address) => String(BigInt.asIntN(64, BigInt(address))));
}

/** The word that llvm-mc makes of each line, or what it says against it. */
function llvmWords(lines) {
  const { stdout, stderr, error } = spawnSync(
    'llvm-mc',
    ['-triple=aarch64', `-mattr=${ATTRIBUTES}`, '-show-encoding'],
    { input: `${lines.join('\n')}\n`, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'utf8' },
  );
  if (error) throw error;
  const results = lines.map(() => undefined);
  for (const [, line, message] of stderr.matchAll(/^<stdin>:(\d+):\d+: error: (.*)/gm))
    results[Number(line) - 1] = message;
  const encodings = [...stdout.matchAll(/encoding: \[([^\]]*)\]/g)].map(([, bytes]) =>
    bytes.split(',').reduceRight((value, byte) => value * 256 + Number(byte), 0),
  );
  return results.map((message) => message ?? encodings.shift());
}

function ourWord(word, aliases) {
  try {
    const { bytes } = assemble(disassemble(word, BASE, { aliases }), BASE);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  } catch (error) {
    if (error instanceof AssemblyError) return error.message;
    throw error;
  }
}

/** What is wrong with a word's text, or undefined. */
function difference(word, theirs, aliases) {
  const text = relativeText(word, aliases);
  if (typeof theirs !== 'number')
    return NEW_TO_LLVM.test(text) ? undefined : `"${text}": llvm-mc says ${theirs}`;
  if (relativeText(theirs, aliases) !== text)
    return `"${text}" is ${hex(theirs)} to llvm-mc: "${relativeText(theirs, aliases)}"`;
  const ours = ourWord(word, aliases);
  return ours === theirs ? undefined : `"${text}" is ${hex(theirs)} to llvm-mc, ours ${ours?.toString(16)}`;
}

function compare(rows, perRow, random) {
  const words = rows.flatMap((row) => randomWords(row, perRow, random));
  const differences = new Map();
  for (const aliases of [false, true]) {
    const theirs = llvmWords(words.map((word) => relativeText(word, aliases)));
    words.forEach((word, i) => {
      const found = difference(word, theirs[i], aliases);
      if (found === undefined) return;
      const { name } = a64Decoder.decode(word).row;
      differences.set(name, [...(differences.get(name) ?? []), `  ${hex(word)}: ${found}`]);
    });
  }
  let total = 0;
  for (const [name, lines] of differences) {
    total += lines.length;
    console.log(`${name}: ${lines.length}`);
    for (const line of lines.slice(0, SHOWN_PER_ROW)) console.log(line);
  }
  console.log(`${words.length} words of ${rows.length} rows, both ways: ${total} differences`);
  return total;
}

function main() {
  if (spawnSync('llvm-mc', ['--version'], { stdio: 'ignore' }).error) {
    console.error('oracle:assembly: this needs llvm-mc (Debian: apt-get install llvm)');
    return 2;
  }
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      'per-row': { type: 'string', default: '50' },
      row: { type: 'string', default: '' },
    },
  });
  const wanted = values.row.toLowerCase();
  const rows = a64Decoder.rows.filter((row) => row.name.toLowerCase().includes(wanted));
  return compare(rows, Number(values['per-row']), new RandomWords(Number(values.seed))) === 0 ? 0 : 1;
}

process.exitCode = main();
