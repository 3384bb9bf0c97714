/**
 * A region in words: its blocks with the guest's instructions and their IR, why each block ends where it does, which
 * registers and flags it keeps where, its WebAssembly, and which part of that belongs to which instruction.
 */
import { REGION_PARAMS, REGION_RESULTS } from '../interpreter/region-signature.ts';
import { importAll } from '../interpreter/runtime-imports.ts';
import type { Body, Node } from '../ir/ir.ts';
import { PASS_NAMES, PASSES } from '../ir/passes/optimise.ts';
import { printBody } from '../ir/printer.ts';
import { disassemble } from '../isa/disassembler.ts';
import { CPU } from '../layout/cpu-state.ts';
import { HANDLER_SLOTS } from '../layout/memory-map.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { printFunction } from '../wasm/wat-printer.ts';
import { liftWithout } from './lift.ts';
import { OutlinedFunctions } from './outlined.ts';
import {
  type Block,
  growRegion,
  INSTRUCTION_BYTES,
  PAGE_BYTES,
  pageOf,
  type Region,
  type RegionInstruction,
  type RegionLimits,
  type RegionSource,
} from './region.ts';
import { emitRegion } from './region-emitter.ts';
import type { LeftOut } from './region-passes.ts';
import { isVector, planRegisters, type RegisterId, registerAt, SP_ID } from './registers.ts';
import { LIMITS } from './translate.ts';

export interface ExplainOptions {
  /** Address of the page that offsets count from. */
  readonly pageAddress: bigint;
  readonly limits?: RegionLimits;
  /** Leave the IR or the WebAssembly out. */
  readonly ir?: boolean;
  readonly wat?: boolean;
  /** The IR as the row gives it, and after each pass that changes it, instead of the last form alone. */
  readonly passes?: boolean;
  /** Passes to leave out. */
  readonly without?: LeftOut;
}

const IR_INDENT = ' '.repeat(12);

/** The whole account, or why there is no region. */
export function explainRegion(source: RegionSource, options: ExplainOptions): string {
  const limits = options.limits ?? LIMITS;
  const { without } = options;
  const region = growRegion(source, limits, without);
  const at = (offset: number) => hex(options.pageAddress + BigInt(offset));
  if (!region) return `no region at ${at(source.entry)}: there is no instruction that could be translated`;
  const { function: f, starts, functions } = emit(region, without);
  const describe = new RegionText(region, limits, options.pageAddress);
  const parts = [describe.summary(f), describe.registers()];
  for (const block of region.blocks.values()) parts.push(describe.block(block, options));
  if (options.wat ?? true) {
    const functionName = (index: number) =>
      HELPER_NAMES.get(index) ?? (functions.made.has(index) ? `rare${index}` : undefined);
    parts.push(printFunction(f, { functionName, marks: describe.marks(starts) }));
    for (const [index, rare] of functions.made)
      parts.push(
        `${functionName(index)}, called where it hardly ever happens\n${printFunction(rare, { functionName })}`,
      );
  }
  return parts.join('\n\n');
}

interface Emitted {
  readonly function: FunctionBuilder;
  /** Offset in the code → offset of the instruction that begins there. */
  readonly starts: ReadonlyMap<number, number>;
  readonly functions: OutlinedFunctions;
}

/** Emits a region as the translator does. */
function emit(region: Region, leftOut?: LeftOut): Emitted {
  const module = new ModuleBuilder();
  const helpers = importAll(module, false);
  module.importTable('handlers', HANDLER_SLOTS);
  const starts = new Map<number, number>();
  const functions = new OutlinedFunctions(module, helpers);
  const code = emitRegion(region, {
    functions,
    ...(leftOut && { leftOut }),
    helpers,
    regionType: module.typeIndex(REGION_PARAMS, REGION_RESULTS),
    tailCalls: true,
    onInstruction: (codeOffset, offset) => starts.set(codeOffset, offset),
  });
  return { function: code, starts, functions };
}

const HELPER_NAMES = new Map(
  [...importAll(new ModuleBuilder(), false)].map(([name, index]) => [index, name]),
);

const hex = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16)}`;

class RegionText {
  private readonly region: Region;
  private readonly limits: RegionLimits;
  private readonly pageAddress: bigint;

  constructor(region: Region, limits: RegionLimits, pageAddress: bigint) {
    this.region = region;
    this.limits = limits;
    this.pageAddress = pageAddress;
  }

  summary(f: FunctionBuilder): string {
    const { entry, blocks, pages, instructionCount } = this.region;
    const bytes = f.code.length;
    const counts = [
      count(instructionCount, 'instruction'),
      count(blocks.size, 'block'),
      count(pages.size, 'page'),
      `${bytes} bytes of WebAssembly, ${(bytes / instructionCount).toFixed(1)} an instruction`,
    ];
    return `region at ${this.at(entry)}: ${counts.join(', ')}`;
  }

  registers(): string {
    const { used, writeBack, liveIn } = planRegisters(this.region);
    const list = (ids: Iterable<RegisterId> | undefined) =>
      [...(ids ?? [])]
        .sort((a, b) => a - b)
        .map(registerName)
        .join(' ') || 'none';
    return [
      `registers in locals: ${list(used)}`,
      `  loaded on entry: ${list(liveIn.get(this.region.entry))}`,
      `  written back when the region is left: ${list(writeBack)}`,
    ].join('\n');
  }

  block(block: Block, options: ExplainOptions): string {
    const lines = [`block ${this.at(block.offset)}${this.predecessors(block)}`];
    for (const instruction of block.instructions) lines.push(...this.instruction(instruction, options));
    lines.push(...this.ending(block).map((line) => `  -> ${line}`));
    return lines.join('\n');
  }

  /** Comments for the code: the instruction that begins at an offset. */
  marks(starts: ReadonlyMap<number, number>): Map<number, string> {
    return new Map(
      [...starts].map(([code, offset]) => [code, `${this.at(offset)}: ${this.assembly(offset)}`]),
    );
  }

  private instruction(
    { offset, lifted }: RegionInstruction,
    { ir = true, passes = false }: ExplainOptions,
  ): string[] {
    const word = (this.wordAt(offset) ?? 0) >>> 0;
    const head = `  ${this.at(offset)}: ${word.toString(16).padStart(8, '0')}  ${this.assembly(offset)}`;
    if (!ir) return [head];
    const text = passes ? passesText(word, lifted.body) : printBody(lifted.body, stateComment);
    return [head, ...(text ? text.split('\n').map((line) => IR_INDENT + line) : [])];
  }

  private predecessors({ offset }: Block): string {
    const from = [...this.region.blocks.values()].filter(({ successors }) => successors.includes(offset));
    return from.length > 0 ? `, from ${from.map((block) => this.at(block.offset)).join(', ')}` : '';
  }

  /** Where a block goes and, where it leaves the region, why. */
  private ending(block: Block): string[] {
    const last = block.instructions.at(-1);
    if (!last) return [`leaves: ${this.absence(block.offset)}`];
    const { exits } = last.lifted;
    const next = last.offset + INSTRUCTION_BYTES;
    const lines: string[] = [];
    const isCall = exits.isCall || exits.indirect === 'call';
    if (exits.isCall)
      lines.push(...exits.branches.map((distance) => `calls ${this.at(last.offset + distance)}`));
    if (exits.indirect === 'call') lines.push('calls a computed address');
    if (exits.indirect === 'return') lines.push('returns to a computed address');
    if (exits.indirect === 'jump')
      lines.push(
        `jumps to a computed address, seen to be ${this.list(block.successors) || 'none in this page'}`,
      );
    const direct = isCall ? [next] : exits.branches.map((distance) => last.offset + distance);
    if (exits.fallsThrough && !isCall) direct.push(next);
    for (const target of direct) lines.push(this.way(block, target, isCall));
    if (lines.length === 0) lines.push('ends in the runtime: an exception, a barrier or a change of context');
    return lines;
  }

  private way(block: Block, target: number, isCall: boolean): string {
    const what = isCall ? 'comes back to' : 'goes to';
    if (block.successors.includes(target)) return `${what} ${this.at(target)}`;
    return `${what} ${this.at(target)} and leaves: ${this.absence(target)}`;
  }

  /** Why no block of the region starts at an offset. */
  private absence(offset: number): string {
    const { region, limits } = this;
    const page = region.pages.get(pageOf(offset));
    const full = region.blocks.size >= limits.blocks || region.instructionCount >= limits.instructions;
    if (full)
      return `the region has reached its limit of ${limits.blocks} blocks or ${limits.instructions} instructions`;
    if (!page) return 'its page is not mapped, or has not run yet';
    return this.wordAt(offset) === undefined ? 'that code has not run yet' : 'that word is no instruction';
  }

  private assembly(offset: number): string {
    const word = this.wordAt(offset);
    const address = BigInt.asUintN(64, this.pageAddress + BigInt(offset));
    return word === undefined ? '?' : disassemble(word, address, { aliases: true });
  }
  private wordAt(offset: number): number | undefined {
    const page = pageOf(offset);
    return this.region.pages.get(page)?.wordAt(offset - page * PAGE_BYTES);
  }
  private list(offsets: readonly number[]): string {
    return offsets.map((offset) => this.at(offset)).join(', ');
  }
  private at(offset: number): string {
    return hex(this.pageAddress + BigInt(offset));
  }
}

/** What each pass makes of an instruction's body; the block's own pass comes last. */
function passesText(word: number, final: Body): string {
  const lifted = liftWithout(word | 0, new Set(PASS_NAMES));
  if (!lifted) return '';
  let text = printBody(lifted.body, stateComment);
  let { body } = lifted;
  const parts = ['; as the row says', text];
  const note = (name: string, next: string) => {
    if (next !== text) parts.push(`; after ${name}`, next);
    text = next;
  };
  for (const name of PASS_NAMES) {
    body = PASSES[name](body);
    note(name, printBody(body, stateComment));
  }
  note('known-checks', printBody(final, stateComment));
  return parts.filter((part) => part !== '').join('\n');
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

function registerName(id: RegisterId): string {
  if (id === SP_ID) return 'sp';
  return isVector(id) ? `v${id - SP_ID - 1}` : `x${id}`;
}

const FIELD_NAMES = new Map(Object.entries(CPU).map(([name, offset]) => [offset, name]));

/** Names the register or the field of the state block that an operation reaches. */
function stateComment({ operation }: Node): string | undefined {
  if (operation.op !== 'state.load' && operation.op !== 'state.store') return undefined;
  const register = registerAt(operation.offset);
  if (!register) return FIELD_NAMES.get(operation.offset);
  return registerName(register.id) + (register.byte > 0 ? ` from byte ${register.byte}` : '');
}
