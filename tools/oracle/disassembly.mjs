#!/usr/bin/env node
/**
 * Compares the disassembler with GNU objdump over random words of every row, without and with aliases.
 *
 *   npm run oracle:disassembly -- [--seed N] [--per-row N] [--row NAME] [--record N]
 *
 * --record N writes N words a row with their texts as the fixture of the unit tests. Registers without a row in
 * system-register-names.ts print by number; where objdump has a name for one, that counts as equal. Needs
 * aarch64-linux-gnu-objdump.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { randomWords } from './random-words.mjs';

const OBJDUMP = 'aarch64-linux-gnu-objdump';
const FIXTURE = new URL('../../src/emu/isa/disassembly.vectors.json', import.meta.url);
const BASE = 0x10_0000_0000n;
const MAX_OUTPUT_BYTES = 2 ** 29;
const SHOWN_PER_ROW = 2;

const hex = (value) => value.toString(16).padStart(8, '0');

/** What objdump prints for words that stand one after the other from BASE on. */
function objdump(words, aliases) {
  const directory = mkdtempSync(join(tmpdir(), 'bramble-objdump-'));
  try {
    const file = join(directory, 'words');
    writeFileSync(file, Buffer.from(Uint32Array.from(words).buffer));
    const options = ['-D', '-z', '-b', 'binary', '-m', 'aarch64', `--adjust-vma=0x${BASE.toString(16)}`];
    if (!aliases) options.push('-M', 'no-aliases');
    const { stdout, status, stderr } = spawnSync(OBJDUMP, [...options, file], {
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    if (status !== 0) throw new Error(`objdump failed: ${stderr}`);
    return stdout.toString().split('\n').filter(isInstruction).map(textOf);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const isInstruction = (line) => /^\s*[0-9a-f]+:\t/.test(line);
const textOf = (line) =>
  line
    .split('\t')
    .slice(2)
    .join(' ')
    .replace(/\s*\/\/.*$/, '')
    .trim();

const GENERIC_REGISTER = /\bs[23]_\d_c\d+_c\d+_\d\b/;
function sameText(ours, theirs) {
  if (ours === theirs) return true;
  const parts = ours.split(GENERIC_REGISTER);
  return parts.length === 2 && theirs.startsWith(parts[0]) && theirs.endsWith(parts[1]);
}

function compare(rows, perRow, random) {
  const words = rows.flatMap((row) => randomWords(row, perRow, random));
  const differences = new Map();
  for (const aliases of [false, true]) {
    const theirs = objdump(words, aliases);
    words.forEach((word, i) => {
      const ours = disassemble(word, BASE + 4n * BigInt(i), { aliases });
      if (sameText(ours, theirs[i])) return;
      const { name } = a64Decoder.decode(word).row;
      const line = `  ${hex(word)}${aliases ? ' (aliases)' : ''}: ours "${ours}", objdump "${theirs[i]}"`;
      differences.set(name, [...(differences.get(name) ?? []), line]);
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

/** The fixture: lines of address, word, text, and text with aliases where that differs. */
function record(rows, perRow, random) {
  const words = rows.flatMap((row) => randomWords(row, perRow, random));
  const [plain, preferred] = [false, true].map((aliases) => objdump(words, aliases));
  const lines = words.flatMap((word, i) => {
    const pc = BASE + 4n * BigInt(i);
    // A name that we have no row for.
    if (disassemble(word, pc) !== plain[i]) return [];
    const alias = preferred[i] === plain[i] ? [] : [preferred[i]];
    return [[pc.toString(16), hex(word), plain[i], ...alias].join('|')];
  });
  writeFileSync(FIXTURE, `[\n${lines.map((line) => JSON.stringify(line)).join(',\n')}\n]\n`);
  console.log(`${lines.length} words of ${rows.length} rows`);
}

function main() {
  if (spawnSync(OBJDUMP, ['--version'], { stdio: 'ignore' }).error) {
    console.error(
      `oracle:disassembly: this needs ${OBJDUMP} (Debian: apt-get install binutils-aarch64-linux-gnu)`,
    );
    return 2;
  }
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      'per-row': { type: 'string', default: '200' },
      row: { type: 'string', default: '' },
      record: { type: 'string' },
    },
  });
  const random = new RandomWords(Number(values.seed));
  const wanted = values.row.toLowerCase();
  const rows = a64Decoder.rows.filter((row) => row.name.toLowerCase().includes(wanted));
  if (values.record) {
    record(rows, Number(values.record), random);
    return 0;
  }
  return compare(rows, Number(values['per-row']), random) === 0 ? 0 : 1;
}

process.exitCode = main();
