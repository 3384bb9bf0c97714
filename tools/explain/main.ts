/**
 * Shows what the translator makes of a piece of code (src/emu/jit/explain.ts), from words, from a file, or from a
 * guest that has run up to some output.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import { explainRegion } from '../../src/emu/jit/explain.ts';
import { NORMAL } from '../../src/emu/jit/jit.ts';
import { PAGE_BYTES, type RegionSource } from '../../src/emu/jit/region.ts';
import { describeEvent } from '../../src/emu/jit/region-events.ts';
import { ALL_PASS_NAMES, type PassName } from '../../src/emu/jit/region-passes.ts';
import { type RunGuest, runGuestUntil } from './guest.ts';

const HELP = `Shows a region of translated code: guest instructions, IR, WebAssembly, and why it ends where it does.

  npm run --silent explain -- --words WORD… [--at ADDRESS]
      the instruction words, in hexadecimal
  npm run --silent explain -- --image FILE --at ADDRESS [--base ADDRESS]
      a file of code (a Linux Image, a raw binary) whose first byte is at --base
  npm run --silent explain -- --until REGEX --pc ADDRESS [--kernel FILE] [--initrd FILE] [--append TEXT]
      a guest's memory, once its console has shown what matches; and what became of that code until then

  --no-ir, --no-wat   leave that part out
  --passes            the IR as the row gives it, and after each pass that changes it
  --without PASS      leaves a pass out: ${ALL_PASS_NAMES.join(', ')}; may be given more than once
  --targets ADDRESS   where a computed jump goes; may be given more than once
`;
const WORD_BYTES = 4;
const MILLION = 1e6;
const LINUX_BASE = '0xffff800008000000';
const PAGE_MASK = ~(BigInt(PAGE_BYTES) - 1n);

type WordAt = (address: bigint) => number | undefined;

function fromWords(words: readonly string[], base: bigint): WordAt {
  const values = words.map((word) => Number.parseInt(word.replace(/^0x/, ''), 16));
  return (address) => values[Number(address - base) / WORD_BYTES];
}

function fromFile(path: string, base: bigint): WordAt {
  const bytes = readFileSync(path);
  return (address) => {
    const offset = Number(address - base);
    return offset >= 0 && offset + WORD_BYTES <= bytes.length ? bytes.readUInt32LE(offset) : undefined;
  };
}

/** Pages exist where their first or the wanted word does; nothing is known of computed jumps but what was said. */
function sourceOf(wordAt: WordAt, entry: bigint, targets: readonly bigint[]): RegionSource {
  const pageAddress = entry & PAGE_MASK;
  return {
    entry: Number(entry - pageAddress),
    page: (delta) => ({
      records: 0,
      wordAt: (offset) => wordAt(pageAddress + BigInt(delta * PAGE_BYTES + offset)),
    }),
    jumpTargets: () => targets.map((target) => Number(target - pageAddress)),
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      words: { type: 'boolean' },
      image: { type: 'string' },
      at: { type: 'string' },
      pc: { type: 'string' },
      base: { type: 'string', default: LINUX_BASE },
      until: { type: 'string' },
      kernel: { type: 'string' },
      initrd: { type: 'string' },
      append: { type: 'string' },
      targets: { type: 'string', multiple: true, default: [] },
      ir: { type: 'boolean', default: true },
      wat: { type: 'boolean', default: true },
      passes: { type: 'boolean', default: false },
      without: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  const place = values.pc ?? values.at ?? (values.words ? '0' : undefined);
  if (values.help || place === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const entry = BigInt(place);
  const guest = values.words || values.image ? undefined : await fromGuest(values);
  const wordAt = values.words
    ? fromWords(positionals, entry)
    : (guest?.wordAt ?? fromFile(values.image ?? '', BigInt(values.base)));
  if (guest) process.stdout.write(`${historyText(guest, BigInt.asUintN(64, entry))}\n\n`);
  const source = sourceOf(wordAt, entry, values.targets.map(BigInt));
  const { ir, wat, passes } = values;
  const without = new Set(values.without.map(passNamed));
  const options = { pageAddress: entry & PAGE_MASK, ir, wat, passes, without };
  process.stdout.write(`${explainRegion(source, options)}\n`);
  return 0;
}

function passNamed(name: string): PassName {
  const known = ALL_PASS_NAMES.find((pass) => pass === name);
  if (!known) throw new Error(`there is no pass ${name}; there are ${ALL_PASS_NAMES.join(', ')}`);
  return known;
}

interface GuestChoice {
  readonly until?: string | undefined;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
}

/** What became of the regions that begin at an address or contain it. */
function historyText({ events }: RunGuest, address: bigint): string {
  const entries = new Set([address]);
  for (const { event } of events)
    if (event.kind === 'compiled' && event.ranges.some(([from, to]) => from <= address && address < to))
      entries.add(event.address);
  const lines = events
    .filter(({ event }) => entries.has(event.address))
    .map(
      ({ instructions, event }) =>
        `  ${(instructions / MILLION).toFixed(1)} M: 0x${event.address.toString(16)} ${describeEvent(event, NORMAL.heat)}`,
    );
  if (lines.length === 0) return 'never hot enough to be translated';
  return ['by millions of instructions executed:', ...lines].join('\n');
}

async function fromGuest({ until, kernel, initrd, append }: GuestChoice): Promise<RunGuest> {
  const guest = kernel ? { kernel, initrd, append: '' } : findDefaultGuest();
  if (!guest || until === undefined)
    throw new Error(
      'say what code: --words, --image and --at, or --until and --pc with a guest that is built',
    );
  const files = {
    kernel: readFileSync(guest.kernel),
    initrd: guest.initrd === undefined ? undefined : readFileSync(guest.initrd),
    commandLine: append ?? guest.append,
  };
  return runGuestUntil(files, new RegExp(until, 'm'));
}

process.exitCode = await main();
