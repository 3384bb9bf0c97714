/**
 * A function's code as WebAssembly text (core specification, chapter 6), one instruction a line, read back from
 * the bytes with the tables that wrote them. Marks put lines of comment before the instruction at an offset.
 */
import { assert } from '../base/assert.ts';
import type { FunctionBuilder } from './function-builder.ts';
import {
  ATOMIC_RMW,
  ATOMIC_WIDTHS,
  CONTROL,
  LOADS,
  NUMERIC,
  STORES,
  VALUE_TYPE_CODE,
  type ValueType,
} from './opcodes.ts';

export interface WatOptions {
  /** Name of a function by its index. */
  readonly functionName?: (index: number) => string | undefined;
  /** Comments by offset in the code. */
  readonly marks?: ReadonlyMap<number, string>;
}

const INDENT = '  ';
const SIMD = 0xfd;
const BULK = 0xfc;
const THREADS = 0xfe;
const V128_CONST = 12;
const MEMORY_COPY = 0x0a;
const EMPTY_BLOCK = 0x40;
const V128_BYTES = 16;

type Reader = (code: CodeReader, options: WatOptions) => string;

/** Bytes of code and the encodings in them (5.2). */
class CodeReader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get done(): boolean {
    return this.at >= this.bytes.length;
  }
  byte(): number {
    const value = this.bytes[this.at++];
    assert(value !== undefined, 'the code ends within an instruction');
    return value;
  }
  unsigned(): number {
    return Number(this.leb(false));
  }
  signed(): bigint {
    return this.leb(true);
  }
  private leb(signed: boolean): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte & 0x80) continue;
      return signed ? BigInt.asIntN(Number(shift) + 7, value) : value;
    }
  }
}

/** Opcode, with its prefix in the high bits → what reads the rest and gives the text. */
const READERS = new Map<number, Reader>();

function key(code: readonly number[]): number {
  const [first = 0, second] = code;
  if (second === undefined) return first;
  // Opcodes after a prefix are LEB128 numbers.
  const number = (second & 0x7f) | ((code[2] ?? 0) << 7);
  return (first << 16) | number;
}
function define(code: readonly number[], reader: Reader): void {
  READERS.set(key(code), reader);
}

/** Offset and alignment, which are left out where they are zero and natural. */
function memoryArgument(code: CodeReader): string {
  const alignment = 2 ** code.unsigned();
  const offset = code.unsigned();
  return `${offset ? ` offset=${offset}` : ''} align=${alignment}`;
}

for (const [name, { code, immediateBytes }] of Object.entries(NUMERIC))
  define(code, (reader) => {
    const lanes = Array.from({ length: immediateBytes }, () => reader.byte());
    return [name, ...lanes].join(' ');
  });
for (const [name, [code]] of [...Object.entries(LOADS), ...Object.entries(STORES)])
  define(code, (reader) => name + memoryArgument(reader));
for (const [operation, first] of Object.entries(ATOMIC_RMW))
  ATOMIC_WIDTHS.forEach((width, index) => {
    const [type, bits] = width.split('.');
    const name = `${type}.atomic.rmw${bits ?? ''}.${operation}${bits ? '_u' : ''}`;
    define([THREADS, first + index], (reader) => name + memoryArgument(reader));
  });
define([BULK, MEMORY_COPY], (reader) => {
  reader.byte();
  reader.byte();
  return 'memory.copy';
});
define([SIMD, V128_CONST], (reader) => {
  const bytes = Array.from({ length: V128_BYTES }, () => reader.byte());
  return `v128.const i8x16 ${bytes.map((byte) => `0x${byte.toString(16)}`).join(' ')}`;
});

const TYPE_NAMES = new Map(Object.entries(VALUE_TYPE_CODE).map(([name, code]) => [code as number, name]));
const opening =
  (name: string): Reader =>
  (code) => {
    const type = code.byte();
    return type === EMPTY_BLOCK ? name : `${name} (result ${TYPE_NAMES.get(type)})`;
  };
const withNumber =
  (name: string): Reader =>
  (code) =>
    `${name} ${code.unsigned()}`;
const withConstant =
  (name: string): Reader =>
  (code) =>
    `${name} ${code.signed()}`;
const indirect =
  (name: string): Reader =>
  (code) => {
    const type = code.unsigned();
    code.byte();
    return `${name} (type ${type})`;
  };
const plain =
  (name: string): Reader =>
  () =>
    name;

const CONTROL_READERS = {
  unreachable: plain('unreachable'),
  block: opening('block'),
  loop: opening('loop'),
  if: opening('if'),
  else: plain('else'),
  end: plain('end'),
  br: withNumber('br'),
  br_if: withNumber('br_if'),
  br_table: (code) => {
    const count = code.unsigned();
    return ['br_table', ...Array.from({ length: count + 1 }, () => code.unsigned())].join(' ');
  },
  return: plain('return'),
  call: (code, { functionName }) => {
    const index = code.unsigned();
    const name = functionName?.(index);
    return name ? `call $${name}` : `call ${index}`;
  },
  call_indirect: indirect('call_indirect'),
  return_call_indirect: indirect('return_call_indirect'),
  drop: plain('drop'),
  select: plain('select'),
  'local.get': withNumber('local.get'),
  'local.set': withNumber('local.set'),
  'local.tee': withNumber('local.tee'),
  'i32.const': withConstant('i32.const'),
  'i64.const': withConstant('i64.const'),
} satisfies Partial<Record<keyof typeof CONTROL, Reader>>;
for (const [name, reader] of Object.entries(CONTROL_READERS) as [keyof typeof CONTROL_READERS, Reader][])
  define([CONTROL[name]], reader);

function readInstruction(code: CodeReader, options: WatOptions): string {
  const first = code.byte();
  const prefixed = first >= BULK;
  const reader = READERS.get(prefixed ? (first << 16) | code.unsigned() : first);
  assert(reader, `opcode 0x${first.toString(16)} at ${code.at} is in no table`);
  return reader(code, options);
}

/** The whole function; hinted branches say which way is likely. */
export function printFunction(f: FunctionBuilder, options: WatOptions = {}): string {
  const hints = new Map(f.hints.map(({ at, likely }) => [at, likely ? 'likely' : 'unlikely']));
  const lines = [`(func${declaration('param', f.params)}${declaration('result', f.results)}`];
  if (f.declaredLocals.length > 0) lines.push(`${INDENT}${declaration('local', f.declaredLocals).trim()}`);
  const code = new CodeReader(f.code.view());
  let depth = 1;
  while (!code.done) {
    const mark = options.marks?.get(code.at);
    if (mark !== undefined) lines.push(`${INDENT.repeat(depth)};; ${mark}`);
    const hint = hints.get(code.at);
    const text = readInstruction(code, options);
    const name = text.split(' ', 1)[0] ?? '';
    if (name === 'end' || name === 'else') depth--;
    // The last `end` closes the function.
    if (depth === 0) break;
    lines.push(`${INDENT.repeat(depth)}${text}${hint ? ` ;; ${hint}` : ''}`);
    if (name === 'else' || name === 'block' || name === 'loop' || name === 'if') depth++;
  }
  assert(code.done && depth === 0, 'a function ends with its last end');
  return `${lines.join('\n')})`;
}

function declaration(name: string, types: readonly ValueType[]): string {
  return types.length > 0 ? ` (${name} ${types.join(' ')})` : '';
}
