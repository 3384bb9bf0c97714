/**
 * Regions: basic blocks that grow from a hot entry over direct branches and are translated together.
 *
 * Addresses inside a region are byte offsets from the start of the entry's page; so a region does not depend on
 * where the page is mapped. Offsets outside 0 … 4095 lie in neighbouring pages, as they were mapped when the
 * region was made; edges that lead to another page check that they still are.
 */
import { dropKnownChecks } from './known-checks.ts';
import { type Lifted, lift, liftWithout } from './lift.ts';
import { type LeftOut, NOTHING_LEFT_OUT } from './region-passes.ts';

export const PAGE_BYTES = 4096;
export const INSTRUCTION_BYTES = 4;

/** A page of code as the decode cache holds it. */
export interface CodePage {
  /** Linear-memory address of its records. */
  readonly records: number;
  /** The word at a byte offset in the page; undefined when it has not been run yet or the CPU has no such instruction. */
  wordAt(offset: number): number | undefined;
}

export interface RegionSource {
  /** Byte offset of the entry in its page. */
  readonly entry: number;
  /** The page `delta` pages after the entry's, or undefined when it is not mapped or has no code yet. */
  page(delta: number): CodePage | undefined;
  /** Where the indirect jump at an offset has been seen to go. */
  jumpTargets(offset: number): readonly number[];
  /** What profilers call the region. */
  readonly name?: string;
}

export interface RegionInstruction {
  readonly offset: number;
  readonly lifted: Lifted;
}

export interface Block {
  readonly offset: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offsets of blocks in the region that may follow. */
  readonly successors: readonly number[];
  /** Offset after the last instruction. */
  readonly end: number;
}

export interface Region {
  readonly entry: number;
  /** By offset, in order of discovery; the entry first. */
  readonly blocks: ReadonlyMap<number, Block>;
  readonly pages: ReadonlyMap<number, CodePage>;
  readonly instructionCount: number;
}

export interface RegionLimits {
  readonly instructions: number;
  readonly blocks: number;
}

export function pageOf(offset: number): number {
  return Math.floor(offset / PAGE_BYTES);
}

/** Grows a region; undefined when not even the entry can be translated. */
export function growRegion(
  source: RegionSource,
  limits: RegionLimits,
  leftOut: LeftOut = NOTHING_LEFT_OUT,
): Region | undefined {
  const pages = new Map<number, CodePage>();
  const wordAt = (offset: number): number | undefined => {
    const delta = pageOf(offset);
    const page = pages.get(delta) ?? source.page(delta);
    if (!page) return undefined;
    pages.set(delta, page);
    return page.wordAt(offset - delta * PAGE_BYTES);
  };
  const successorsOf: SuccessorsOf = (at, lifted) =>
    lifted.exits.indirect === 'jump' ? source.jumpTargets(at) : directSuccessors(at, lifted);
  const liftAt: LiftAt = (offset) => {
    const word = wordAt(offset);
    if (word === undefined) return undefined;
    return leftOut.size === 0 ? lift(word) : liftWithout(word, leftOut);
  };
  const leaders = discoverLeaders(source.entry, wordAt, liftAt, successorsOf, limits);
  const blocks = new Map<number, Block>();
  let instructionCount = 0;
  for (const offset of leaders) {
    const read = readBlock(offset, leaders, liftAt, successorsOf);
    const block = leftOut.has('known-checks')
      ? read
      : { ...read, instructions: dropKnownChecks(read.instructions) };
    blocks.set(offset, block);
    instructionCount += block.instructions.length;
  }
  const first = blocks.get(source.entry);
  if (!first || first.instructions.length === 0) return undefined;
  return { entry: source.entry, blocks, pages, instructionCount };
}

type WordAt = (offset: number) => number | undefined;
type LiftAt = (offset: number) => Lifted | undefined;
type SuccessorsOf = (at: number, lifted: Lifted) => readonly number[];

/** Offsets where blocks start, breadth first from the entry, within the limits. */
function discoverLeaders(
  entry: number,
  wordAt: WordAt,
  liftAt: LiftAt,
  successorsOf: SuccessorsOf,
  limits: RegionLimits,
): ReadonlySet<number> {
  const leaders = new Set([entry]);
  let instructions = 0;
  for (const start of leaders) {
    for (let at = start; ; at += INSTRUCTION_BYTES) {
      const lifted = liftAt(at);
      if (!lifted || (at !== start && leaders.has(at))) break;
      instructions++;
      if (isStraight(at, lifted)) continue;
      for (const offset of successorsOf(at, lifted)) {
        const room = leaders.size < limits.blocks && instructions < limits.instructions;
        if (room && wordAt(offset) !== undefined) leaders.add(offset);
      }
      break;
    }
  }
  return leaders;
}

/** Whether a block goes on after an instruction: nothing but the next one follows, and in the same page. */
function isStraight(at: number, { exits }: Lifted): boolean {
  const branches = exits.branches.length > 0 || exits.indirect !== 'none';
  return exits.fallsThrough && !branches && pageOf(at + INSTRUCTION_BYTES) === pageOf(at);
}

/** Where the region may go on after an instruction; a call goes on at its return address. */
function directSuccessors(at: number, { exits }: Lifted): number[] {
  const next = at + INSTRUCTION_BYTES;
  if (exits.isCall || exits.indirect === 'call') return [next];
  const out = exits.branches.map((distance) => at + distance);
  if (exits.fallsThrough) out.push(next);
  return out;
}

function readBlock(
  offset: number,
  leaders: ReadonlySet<number>,
  liftAt: LiftAt,
  successorsOf: SuccessorsOf,
): Block {
  const read: RegionInstruction[] = [];
  const blockOf = (end: number, successors: readonly number[]): Block => ({
    offset,
    instructions: read,
    successors,
    end,
  });
  let at = offset;
  for (;;) {
    const lifted = liftAt(at);
    if (!lifted) return blockOf(at, []);
    read.push({ offset: at, lifted });
    const from = at;
    at += INSTRUCTION_BYTES;
    if (isStraight(from, lifted) && !leaders.has(at)) continue;
    return blockOf(
      at,
      successorsOf(from, lifted).filter((target) => leaders.has(target)),
    );
  }
}
