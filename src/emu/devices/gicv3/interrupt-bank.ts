/**
 * The state of a run of interrupts, as bit vectors, and the register frame through which software sees it.
 * The distributor's SPIs and each redistributor's SGIs and PPIs are one bank each; both frames have the
 * same layout (Arm IHI 0069H, tables 12-25 and 12-30), which is the table below.
 */
import type { AccessSize, SavedState, Stateful } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';

/** Priority bits that are implemented: five, so 32 levels (the low bits read as zero). */
export const PRIORITY_BITS = 5;
export const PRIORITY_MASK = (0xff << (8 - PRIORITY_BITS)) & 0xff;

const STATE_VERSION = 1;
const VECTORS = ['enabled', 'latched', 'line', 'active', 'edge', 'group1'] as const;

export class InterruptBank implements Stateful {
  /** INTID of bit 0 of word 0. */
  readonly firstIntid: number;
  readonly words: number;
  readonly enabled: Uint32Array;
  /** Pending because of an edge or a write, until acknowledged or cleared. */
  readonly latched: Uint32Array;
  /** Level of the input wires. */
  readonly line: Uint32Array;
  readonly active: Uint32Array;
  /** Set: edge-triggered; clear: level-sensitive. */
  readonly edge: Uint32Array;
  /** Set: group 1; clear: group 0. */
  readonly group1: Uint32Array;
  readonly priority: Uint8Array;
  /** Interrupts whose trigger software cannot change, as a mask over word 0 (the SGIs). */
  readonly fixedEdge: number;

  constructor(firstIntid: number, count: number, fixedEdge = 0) {
    this.firstIntid = firstIntid;
    this.words = count / 32;
    this.enabled = new Uint32Array(this.words);
    this.latched = new Uint32Array(this.words);
    this.line = new Uint32Array(this.words);
    this.active = new Uint32Array(this.words);
    this.edge = new Uint32Array(this.words);
    this.group1 = new Uint32Array(this.words);
    this.priority = new Uint8Array(count);
    this.fixedEdge = fixedEdge;
    this.edge[0] = fixedEdge;
  }

  /** Pending interrupts of a word: latched ones, and level-sensitive ones whose wire is high. */
  pending(word: number): number {
    return this.latched[word]! | (this.line[word]! & ~this.edge[word]!);
  }

  /** Takes a new wire level; true when this may have changed what is pending. */
  setLine(index: number, high: boolean): boolean {
    const word = index >> 5;
    const bit = 1 << (index & 31);
    const wasHigh = (this.line[word]! & bit) !== 0;
    if (wasHigh === high) return false;
    this.line[word] = this.line[word]! ^ bit;
    if (!(this.edge[word]! & bit)) return true;
    if (high) this.latched[word] = this.latched[word]! | bit;
    return high;
  }

  latch(index: number): void {
    this.latched[index >> 5] = this.latched[index >> 5]! | (1 << (index & 31));
  }

  /** Pending becomes active; a level-sensitive interrupt stays pending as long as its wire is high. */
  acknowledge(index: number): void {
    const word = index >> 5;
    const bit = 1 << (index & 31);
    this.latched[word] = this.latched[word]! & ~bit;
    this.active[word] = this.active[word]! | bit;
  }

  deactivate(index: number): void {
    this.active[index >> 5] = this.active[index >> 5]! & ~(1 << (index & 31));
  }

  isGroup1(index: number): boolean {
    return (this.group1[index >> 5]! & (1 << (index & 31))) !== 0;
  }

  saveState(): SavedState {
    const vectors = Object.fromEntries(VECTORS.map((name) => [name, [...this[name]]]));
    return { ...vectors, version: STATE_VERSION, priority: this.priority.slice() };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('gicv3 interrupts', state, STATE_VERSION);
    const vectors = VECTORS.map((name) => reader.numbers(name, this.words));
    this.priority.set(reader.bytes('priority', this.priority.length));
    for (const [index, name] of VECTORS.entries()) this[name].set(vectors[index]!);
  }
}

interface BitRegister {
  readonly name: string;
  readonly base: number;
  read(bank: InterruptBank, word: number): number;
  /** What a write of `value` makes of the vector. */
  write(bank: InterruptBank, word: number, value: number): void;
}

/** Registers of one bit an interrupt: 32 words each from `base`. */
const BIT_REGISTERS: readonly BitRegister[] = [
  {
    name: 'IGROUPR',
    base: 0x080,
    read: (bank, word) => bank.group1[word]!,
    write: (bank, word, value) => {
      bank.group1[word] = value;
    },
  },
  {
    name: 'ISENABLER',
    base: 0x100,
    read: (bank, word) => bank.enabled[word]!,
    write: (bank, word, value) => {
      bank.enabled[word] = bank.enabled[word]! | value;
    },
  },
  {
    name: 'ICENABLER',
    base: 0x180,
    read: (bank, word) => bank.enabled[word]!,
    write: (bank, word, value) => {
      bank.enabled[word] = bank.enabled[word]! & ~value;
    },
  },
  {
    name: 'ISPENDR',
    base: 0x200,
    read: (bank, word) => bank.pending(word),
    write: (bank, word, value) => {
      bank.latched[word] = bank.latched[word]! | value;
    },
  },
  {
    name: 'ICPENDR',
    base: 0x280,
    read: (bank, word) => bank.pending(word),
    write: (bank, word, value) => {
      bank.latched[word] = bank.latched[word]! & ~value;
    },
  },
  {
    name: 'ISACTIVER',
    base: 0x300,
    read: (bank, word) => bank.active[word]!,
    write: (bank, word, value) => {
      bank.active[word] = bank.active[word]! | value;
    },
  },
  {
    name: 'ICACTIVER',
    base: 0x380,
    read: (bank, word) => bank.active[word]!,
    write: (bank, word, value) => {
      bank.active[word] = bank.active[word]! & ~value;
    },
  },
];
const BIT_REGISTER_BYTES = 0x80;
const BIT_REGISTERS_START = 0x080;
const BIT_REGISTERS_END = 0x400;
const IPRIORITYR = 0x400;
const IPRIORITYR_END = 0x800;
const ICFGR = 0xc00;
const ICFGR_END = 0xd00;

/** Spreads bit i of 16 to bit 2i + 1 of 32: how ICFGR holds the trigger of 16 interrupts. */
function toConfiguration(bits: number): number {
  let value = 0;
  for (let i = 0; i < 16; i++) if (bits & (1 << i)) value |= 2 << (2 * i);
  return value >>> 0;
}

function fromConfiguration(value: number): number {
  let bits = 0;
  for (let i = 0; i < 16; i++) if (value & (2 << (2 * i))) bits |= 1 << i;
  return bits;
}

/**
 * Reads the frame at `offset`. What is not in the bank, and the registers that a single security state with
 * affinity routing does not have (IGRPMODR, NSACR, ITARGETSR, SGI pending registers), reads as zero.
 */
export function readFrame(bank: InterruptBank, offset: number, size: AccessSize): number {
  const firstWord = bank.firstIntid >> 5;
  if (offset >= IPRIORITYR && offset < IPRIORITYR_END) {
    let value = 0;
    for (let i = 0; i < size; i++) {
      value |= (bank.priority[offset - IPRIORITYR - bank.firstIntid + i] ?? 0) << (8 * i);
    }
    return value >>> 0;
  }
  if (size !== 4) return 0;
  if (offset >= BIT_REGISTERS_START && offset < BIT_REGISTERS_END) {
    const row = BIT_REGISTERS[Math.floor((offset - BIT_REGISTERS_START) / BIT_REGISTER_BYTES)]!;
    const word = ((offset - row.base) >> 2) - firstWord;
    return word >= 0 && word < bank.words ? row.read(bank, word) >>> 0 : 0;
  }
  if (offset >= ICFGR && offset < ICFGR_END) {
    const half = ((offset - ICFGR) >> 2) - 2 * firstWord;
    if (half < 0 || half >= 2 * bank.words) return 0;
    return toConfiguration(bank.edge[half >> 1]! >>> (16 * (half & 1)));
  }
  return 0;
}

/** Writes the frame; false when nothing is there. */
export function writeFrame(bank: InterruptBank, offset: number, size: AccessSize, value: number): boolean {
  const firstWord = bank.firstIntid >> 5;
  if (offset >= IPRIORITYR && offset < IPRIORITYR_END) {
    for (let i = 0; i < size; i++) {
      const index = offset - IPRIORITYR - bank.firstIntid + i;
      if (index >= 0 && index < bank.priority.length) {
        bank.priority[index] = (value >>> (8 * i)) & PRIORITY_MASK;
      }
    }
    return true;
  }
  if (size !== 4) return false;
  if (offset >= BIT_REGISTERS_START && offset < BIT_REGISTERS_END) {
    const row = BIT_REGISTERS[Math.floor((offset - BIT_REGISTERS_START) / BIT_REGISTER_BYTES)]!;
    const word = ((offset - row.base) >> 2) - firstWord;
    if (word < 0 || word >= bank.words) return false;
    row.write(bank, word, value);
    return true;
  }
  if (offset >= ICFGR && offset < ICFGR_END) {
    const half = ((offset - ICFGR) >> 2) - 2 * firstWord;
    if (half < 0 || half >= 2 * bank.words) return false;
    const shift = 16 * (half & 1);
    const fixed = half < 2 ? bank.fixedEdge : 0;
    const written = (bank.edge[half >> 1]! & ~(0xffff << shift)) | (fromConfiguration(value) << shift);
    bank.edge[half >> 1] = written | fixed;
    return true;
  }
  return false;
}
