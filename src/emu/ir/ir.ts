/**
 * The intermediate representation: what an instruction does, in terms that know neither Arm nor wasm.
 *
 * A Body is a list of operations in program order. Pure operations may be evaluated anywhere between their
 * operands and their uses; operations with an effect happen in order. Operations that can leave the
 * instruction early (a memory access that faults, a call that redirects) come before every write of
 * state that must not happen then: that order is the rows' duty.
 */

export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/**
 * An operand whose value is known only when the instruction is decoded. With the translator everything is
 * known and no slots exist; for the interpreter a slot is a place in the decoded record.
 */
export interface OperandSlot {
  readonly name: string;
  readonly kind: SlotKind;
}
export type SlotKind =
  /** Byte offset of a register in its register file. */
  | 'register'
  /** Unsigned 16-bit immediate, used as i32. */
  | 'u16'
  /** 32-bit immediate used as i32. */
  | 'i32'
  /** Signed 32-bit immediate used as i64. */
  | 's32'
  /** 64-bit immediate. */
  | 'i64'
  /** Byte distance from the instruction to the target of a direct branch. */
  | 'branch';

/** Memory access widths, named after their in-memory size and the type they become. */
export type LoadKind =
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128'
  | 'i32.8s'
  | 'i32.8u'
  | 'i32.16s'
  | 'i32.16u'
  | 'i64.8s'
  | 'i64.8u'
  | 'i64.16s'
  | 'i64.16u'
  | 'i64.32s'
  | 'i64.32u'
  | 'v128.8splat'
  | 'v128.16splat'
  | 'v128.32splat'
  | 'v128.64splat'
  | 'v128.32zero'
  | 'v128.64zero';
export type StoreKind =
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128'
  | 'i32.8'
  | 'i32.16'
  | 'i64.8'
  | 'i64.16'
  | 'i64.32';
export type AtomicKind = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'xchg' | 'cmpxchg';
export type FlagKind = 'add' | 'sub' | 'adc' | 'logic' | 'float';

/** The operations. Argument types stand in OPERATIONS below. */
export type Operation =
  | { readonly op: 'const'; readonly value: number | bigint | readonly number[] }
  /** A pure numeric operation with the name and meaning of the WebAssembly instruction. */
  | { readonly op: 'numeric'; readonly name: string; readonly lanes: readonly number[] }
  | { readonly op: 'select' }
  | { readonly op: 'operand'; readonly slot: OperandSlot }
  /** Address of the instruction being executed. */
  | { readonly op: 'pc' }
  /** Fuel that is left, in bytes of records; 0 where code does not know it. */
  | { readonly op: 'fuel' }
  /** Reads vCPU state at a constant offset, plus an optional byte offset (argument 0). */
  | { readonly op: 'state.load'; readonly load: LoadKind; readonly offset: number }
  /** Writes vCPU state: arguments value [, byte offset]. */
  | { readonly op: 'state.store'; readonly store: StoreKind; readonly offset: number }
  /**
   * Translates a virtual address (argument 0) for a read of `size` bytes: gives the host address from which
   * they can be read; leaves the instruction when the access faults. `access` is the word that the
   * memory system's slow path takes (mmu/access).
   */
  | { readonly op: 'guest.read'; readonly size: number; readonly access: number }
  /** The same for an atomic update or a bulk write: the host address is RAM that may be written. */
  | { readonly op: 'guest.update'; readonly size: number; readonly access: number }
  /** Writes guest memory completely or not at all: arguments address, values of `parts`. */
  | {
      readonly op: 'guest.write';
      readonly size: number;
      readonly access: number;
      readonly parts: readonly StorePart[];
    }
  /** Reads at a host address (argument 0). */
  | { readonly op: 'host.load'; readonly load: LoadKind; readonly offset: number }
  /** Atomic read-modify-write at a host address: arguments address, value [, replacement]; gives the old value. */
  | {
      readonly op: 'host.atomic';
      readonly kind: AtomicKind;
      readonly bytes: number;
      readonly type: 'i32' | 'i64';
    }
  /** Writes at a host address that guest.update gave: arguments address, value. */
  | { readonly op: 'host.store'; readonly store: StoreKind; readonly offset: number }
  /** Fills `size` bytes of RAM at a host address with zeros. */
  | { readonly op: 'host.zero'; readonly size: number }
  /** Sets the condition flags from an operation of `width` bits: arguments a, b, result (logic: result; adc: a, b, carry i32, result;
   * float, of 64 bits: an f64 that compares with zero as the operands of FCMP do, NaN when they are unordered). */
  | { readonly op: 'flags.set'; readonly kind: FlagKind; readonly width: 32 | 64 }
  /** Sets the flags from a word with N, Z, C, V at bits 3 … 0 (argument 0). */
  | { readonly op: 'flags.put' }
  /** The flags as such a word. */
  | { readonly op: 'flags.get' }
  /** The carry flag, 0 or 1. */
  | { readonly op: 'flags.carry' }
  /** Whether a condition holds, as 0 or not 0. */
  | { readonly op: 'flags.holds'; readonly condition: number }
  /** Calls into the runtime with i32 arguments. */
  | { readonly op: 'call'; readonly helper: string; readonly result: boolean }
  /** Runs one of two bodies; gives their results when they have one. */
  | {
      readonly op: 'if';
      readonly then: Body;
      readonly else: Body | undefined;
      readonly hint: 'likely' | 'unlikely' | undefined;
    }
  /** Ends the instruction: execution goes on at a fixed distance. */
  | { readonly op: 'branch'; readonly slot: OperandSlot }
  /** Ends the instruction: execution goes on at the address in argument 0. */
  | { readonly op: 'branch.to'; readonly hint: 'jump' | 'call' | 'return' }
  /** Ends the instruction: the runtime has set the PC, look everything up again. */
  | { readonly op: 'resync' };

export interface StorePart {
  readonly store: StoreKind;
  readonly offset: number;
}

export interface Value<T extends Type = Type> {
  readonly id: number;
  readonly type: T;
  readonly operation: Operation;
  readonly args: readonly Value[];
}
/** Any operation in a body; one without a result has type undefined. */
export interface Node {
  readonly id: number;
  readonly type: Type | undefined;
  readonly operation: Operation;
  readonly args: readonly Value[];
}

export interface Body {
  readonly nodes: Node[];
  /** The value that an `if` takes from this body. */
  result?: Value;
}

export type I32 = Value<'i32'>;
export type I64 = Value<'i64'>;
export type F32 = Value<'f32'>;
export type F64 = Value<'f64'>;
export type V128 = Value<'v128'>;

const PURE = new Set<Operation['op']>(['const', 'numeric', 'select', 'operand', 'pc']);
const READS = new Set<Operation['op']>([
  'fuel',
  'state.load',
  'host.load',
  'flags.get',
  'flags.carry',
  'flags.holds',
]);

/** Whether the operation depends on its arguments alone. */
export function isPure(operation: Operation): boolean {
  return PURE.has(operation.op);
}

/** Whether the operation reads state or memory and changes nothing. */
export function isRead(operation: Operation): boolean {
  return READS.has(operation.op);
}

/** Whether the operation ends the instruction. */
export function isTerminator(operation: Operation): boolean {
  return operation.op === 'branch' || operation.op === 'branch.to' || operation.op === 'resync';
}

const SCALAR_COMPARE = /^[if]\d\d\.(eqz|eq|ne|[lg][te](_[su])?)$/;
const VECTOR_TO_I32 = /(\.any_true|\.all_true|\.bitmask|^i(8x16|16x8|32x4)\.extract_lane(_[su])?)$/;

const numericTypes = new Map<string, Type>();

/** Result type of a numeric operation. */
export function numericType(name: string): Type {
  let type = numericTypes.get(name);
  if (!type) numericTypes.set(name, (type = typeByName(name)));
  return type;
}

/** By the grammar of the name. */
function typeByName(name: string): Type {
  if (SCALAR_COMPARE.test(name) || VECTOR_TO_I32.test(name)) return 'i32';
  if (name === 'i64x2.extract_lane') return 'i64';
  if (name === 'f32x4.extract_lane') return 'f32';
  if (name === 'f64x2.extract_lane') return 'f64';
  const prefix = name.slice(0, name.indexOf('.'));
  return prefix.includes('x') ? 'v128' : (prefix as Type);
}

/** The type a load gives, or a store takes. */
export function accessType(kind: LoadKind | StoreKind): Type {
  const dot = kind.indexOf('.');
  return (dot < 0 ? kind : kind.slice(0, dot)) as Type;
}

/** Bytes that a load or store touches. */
export function accessBytes(kind: LoadKind | StoreKind): number {
  const bits = /\.(\d+)/.exec(kind)?.[1];
  return bits ? Number(bits) / 8 : TYPE_BYTES[accessType(kind)];
}

export const TYPE_BYTES = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 } as const satisfies Record<
  Type,
  number
>;
