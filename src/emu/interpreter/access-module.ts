/**
 * Accesses that missed the TLB, between generated code and TypeScript. Code passes the virtual address as an i64,
 * which would reach JavaScript as a BigInt: it is split here. Two kinds stay here: an access over a page boundary whose
 * pages are both in the TLB, since tables and structures that straddle a page are read again and again; and one whose
 * page is in the TLB after all, because code looked it up together with others (jit/merged-accesses).
 */
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, TLB_ADDEND, TLB_ENTRIES, TLB_ENTRY_SIZE, wasmPagesFor } from '../layout/memory-map.ts';
import { ACCESS_UNPRIVILEGED, ALIGNMENT_BITS, PROBE_BYTES, SIZE_MASK } from '../mmu/access.ts';
import { FunctionBuilder, type Label } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';

/** The helpers that take an address. */
export const ACCESSES = ['readSlow', 'writeSlow', 'rmwAddress', 'probe'] as const;
/** Record, virtual address, access word. */
export const ACCESS_PARAMS: readonly ValueType[] = ['i32', 'i64', 'i32'];

const PAGE_BYTES = 4096;
const PAGE_SHIFT = 12;
const ENTRY_SHIFT = Math.log2(TLB_ENTRY_SIZE);
const SCRATCH = CPU_BLOCK + CPU.SCRATCH;
/** Accesses that are left to TypeScript when they cross a page. */
const DEMANDING = ALIGNMENT_BITS | ACCESS_UNPRIVILEGED;
const V128_BYTES = 16;
const USUAL_WRITES = [
  [8, 'i64.load', 'i64.store'],
  [16, 'v128.load', 'v128.store'],
  [4, 'i32.load', 'i32.store'],
] as const;
const BYTE_INDEXES = Array.from({ length: V128_BYTES }, (_, i) => i);

/** A module that imports the accesses as TypeScript has them and exports them as code calls them. */
export function accessModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('memory', wasmPagesFor(0), shared);
  const imported = ACCESSES.map((name) => module.importFunction(name, ['i32', 'i32', 'i32', 'i32'], ['i32']));
  ACCESSES.forEach((name, index) => {
    module.addFunction(new AccessFunction(name, imported[index] ?? 0).emit(), name);
  });
  return module.build();
}

class AccessFunction {
  private readonly f = new FunctionBuilder(ACCESS_PARAMS, ['i32']);
  private readonly name: (typeof ACCESSES)[number];
  private readonly imported: number;
  private readonly record = 0;
  private readonly address = 1;
  private readonly access = 2;
  private readonly size = this.f.takeLocal('i32');
  /** Bytes in the first page. */
  private readonly head = this.f.takeLocal('i32');
  /** Where the bytes are in linear memory: the first one, and the first one of the second page. */
  private readonly first = this.f.takeLocal('i32');
  private readonly second = this.f.takeLocal('i32');

  constructor(name: (typeof ACCESSES)[number], imported: number) {
    this.name = name;
    this.imported = imported;
  }

  emit(): FunctionBuilder {
    const { f } = this;
    if (this.name === 'probe') this.refuseTwoPages();
    else if (this.name !== 'rmwAddress') this.inWasm(this.name);
    f.get(this.record);
    f.get(this.address);
    f.numeric('i32.wrap_i64');
    f.get(this.address);
    f.i64(32n);
    f.numeric('i64.shr_u');
    f.numeric('i32.wrap_i64');
    f.get(this.access);
    f.call(this.imported);
    f.finish();
    return f;
  }

  /** Accesses that are looked up together are made one by one where they do not share a page. */
  private refuseTwoPages(): void {
    const { f } = this;
    f.get(this.address);
    f.numeric('i32.wrap_i64');
    f.i32(PAGE_BYTES - 1);
    f.numeric('i32.and');
    f.get(this.access);
    f.i32(PROBE_BYTES);
    f.numeric('i32.and');
    f.numeric('i32.add');
    f.i32(PAGE_BYTES);
    f.numeric('i32.gt_u');
    f.if();
    f.i32(0);
    f.plain('return');
    f.end();
  }

  /** Returns if nothing is demanded of the access and its page, or both its pages, are known. */
  private inWasm(name: 'readSlow' | 'writeSlow'): void {
    const { f } = this;
    const otherwise = f.block();
    f.get(this.access);
    f.i32(DEMANDING);
    f.numeric('i32.and');
    f.brIf(otherwise);
    f.get(this.access);
    f.i32(SIZE_MASK);
    f.numeric('i32.and');
    f.set(this.size);
    f.i32(PAGE_BYTES);
    f.get(this.address);
    f.numeric('i32.wrap_i64');
    f.i32(PAGE_BYTES - 1);
    f.numeric('i32.and');
    f.numeric('i32.sub');
    f.set(this.head);
    const array = name === 'readSlow' ? CPU.TLB_READ : CPU.TLB_WRITE;
    this.locate(array, () => f.get(this.address), this.first, otherwise);
    f.get(this.head);
    f.get(this.size);
    f.numeric('i32.ge_u');
    f.if();
    if (name === 'readSlow') this.readOne();
    else this.writeOne();
    f.plain('return');
    f.end();
    const next = () => {
      f.get(this.address);
      f.get(this.head);
      f.numeric('i64.extend_i32_u');
      f.numeric('i64.add');
    };
    this.locate(array, next, this.second, otherwise);
    if (name === 'readSlow') this.read();
    else this.write();
    f.plain('return');
    f.end();
  }

  /** Looks an address up in a TLB array: its linear address goes to `found`. */
  private locate(array: number, push: () => void, found: number, missing: Label): void {
    const { f } = this;
    push();
    f.numeric('i32.wrap_i64');
    f.i32(PAGE_SHIFT - ENTRY_SHIFT);
    f.numeric('i32.shr_u');
    f.i32((TLB_ENTRIES - 1) << ENTRY_SHIFT);
    f.numeric('i32.and');
    f.i32(0);
    f.load('i32.load', CPU_BLOCK + array);
    f.numeric('i32.add');
    f.tee(found);
    f.load('i64.load', 0);
    push();
    f.i64(BigInt(-PAGE_BYTES));
    f.numeric('i64.and');
    f.numeric('i64.ne');
    f.brIf(missing);
    f.get(found);
    f.load('i32.load', TLB_ADDEND);
    push();
    f.numeric('i32.wrap_i64');
    f.numeric('i32.add');
    f.set(found);
  }

  /** An access in one page, which code that looks several up together has not found: its place is the result. */
  private readOne(): void {
    this.dropLazyFlags();
    this.f.get(this.first);
  }

  /** The usual sizes without a call to the host. */
  private writeOne(): void {
    const { f } = this;
    for (const [bytes, load, store] of USUAL_WRITES) {
      f.get(this.size);
      f.i32(bytes);
      f.numeric('i32.eq');
      f.if();
      f.get(this.first);
      f.i32(SCRATCH);
      f.load(load, 0);
      f.store(store, 0);
      f.plain('else');
    }
    f.get(this.first);
    f.i32(SCRATCH);
    f.get(this.size);
    f.memoryCopy();
    for (const _ of USUAL_WRITES) f.end();
    this.dropLazyFlags();
    f.i32(1);
  }

  /** The bytes go to SCRATCH, which is the result. */
  private read(): void {
    const { f } = this;
    f.get(this.size);
    f.i32(V128_BYTES);
    f.numeric('i32.le_u');
    f.if();
    // What lies before the end of the first page and after the start of the second, shifted together.
    f.i32(0);
    f.get(this.first);
    f.get(this.head);
    f.numeric('i32.add');
    f.i32(V128_BYTES);
    f.numeric('i32.sub');
    f.load('v128.load', 0);
    this.pushIndexes(V128_BYTES);
    f.numeric('i8x16.swizzle');
    f.get(this.second);
    f.load('v128.load', 0);
    this.pushIndexes(0);
    f.numeric('i8x16.swizzle');
    f.numeric('v128.or');
    f.store('v128.store', SCRATCH);
    f.plain('else');
    f.i32(SCRATCH);
    f.get(this.first);
    f.get(this.head);
    f.memoryCopy();
    this.pushScratchTail();
    f.get(this.second);
    this.pushTailSize();
    f.memoryCopy();
    f.end();
    this.dropLazyFlags();
    f.i32(SCRATCH);
  }

  /** The bytes come from SCRATCH; byte by byte exactly, because others may own what is around them. */
  private write(): void {
    const { f } = this;
    f.get(this.first);
    f.i32(SCRATCH);
    f.get(this.head);
    f.memoryCopy();
    f.get(this.second);
    this.pushScratchTail();
    this.pushTailSize();
    f.memoryCopy();
    this.dropLazyFlags();
    f.i32(1);
  }

  /** Byte indexes 0 to 15 plus `from` less `head`; those out of range give zero bytes. */
  private pushIndexes(from: number): void {
    const { f } = this;
    f.v128(BYTE_INDEXES.map((index) => index + from));
    f.get(this.head);
    f.numeric('i8x16.splat');
    f.numeric('i8x16.sub');
  }

  private pushScratchTail(): void {
    this.f.i32(SCRATCH);
    this.f.get(this.head);
    this.f.numeric('i32.add');
  }

  private pushTailSize(): void {
    this.f.get(this.size);
    this.f.get(this.head);
    this.f.numeric('i32.sub');
  }

  /** Nobody will ask for the flags that translated code has left for a fault. */
  private dropLazyFlags(): void {
    this.f.i32(0);
    this.f.i32(0);
    this.f.store('i32.store', CPU_BLOCK + CPU.LAZY_FLAGS_KIND);
  }
}
