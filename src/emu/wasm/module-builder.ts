/** Puts functions together into a WebAssembly binary module (core specification 5.5). */
import { ByteWriter } from './bytes.ts';
import type { FunctionBuilder } from './function-builder.ts';
import { CONTROL, VALUE_TYPE_CODE, type ValueType } from './opcodes.ts';

interface DefinedFunction {
  readonly builder: FunctionBuilder;
  readonly type: number;
  readonly exportName: string | undefined;
  readonly debugName: string | undefined;
}

interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, element: 9, code: 10 } as const;
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const FUNCREF = 0x70;
const FUNCTION_TYPE = 0x60;
/** Subsection of the name section. */
const FUNCTION_NAMES = 1;
const EXTERNAL = { function: 0, table: 1, memory: 2 } as const;
/** 4 GiB: what 32-bit addresses reach. */
const MOST_PAGES = 1 << 16;
const LIMITS_MIN = 0;
const LIMITS_MIN_MAX = 1;
const LIMITS_SHARED = 3;
/** An active element segment of table 0: an offset expression, then function indexes (core 5.5.12). */
const ELEMENTS_OF_FIRST_TABLE = 0;

/** Name of the module that every import is taken from. */
export const IMPORT_MODULE = 'bramble';

export class ModuleBuilder {
  private readonly signatures: Signature[] = [];
  private readonly signatureIndexes = new Map<string, number>();
  private readonly imports = new ByteWriter();
  private importCount = 0;
  private importedFunctions = 0;
  private readonly functions: DefinedFunction[] = [];
  private readonly customSections: { readonly name: string; readonly content: Uint8Array }[] = [];
  private elements: { readonly first: number; readonly functions: readonly number[] } | undefined;

  /** Index of a function type, added when new. */
  typeIndex(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}:${results.join()}`;
    const found = this.signatureIndexes.get(key);
    if (found !== undefined) return found;
    this.signatureIndexes.set(key, this.signatures.length);
    return this.signatures.push({ params, results }) - 1;
  }

  /** Imports a memory of at least `pages` pages of 64 KiB, and at most as many as there can be. */
  importMemory(name: string, pages: number, shared: boolean): void {
    this.importHead(name, EXTERNAL.memory);
    this.imports.byte(shared ? LIMITS_SHARED : LIMITS_MIN_MAX);
    this.imports.unsigned(pages);
    this.imports.unsigned(MOST_PAGES);
  }

  importTable(name: string, minimum: number): void {
    this.importHead(name, EXTERNAL.table);
    this.imports.byte(FUNCREF);
    this.imports.byte(LIMITS_MIN);
    this.imports.unsigned(minimum);
  }

  /** Imports a function and gives its index. All imports come before the first function. */
  importFunction(name: string, params: readonly ValueType[], results: readonly ValueType[]): number {
    this.importHead(name, EXTERNAL.function);
    this.imports.unsigned(this.typeIndex(params, results));
    return this.importedFunctions++;
  }

  /** Adds a finished function and gives its index. `debugName` is what profilers and debuggers show. */
  addFunction(builder: FunctionBuilder, exportName?: string, debugName?: string): number {
    const type = this.typeIndex(builder.params, builder.results);
    this.functions.push({ builder, type, exportName, debugName });
    return this.importedFunctions + this.functions.length - 1;
  }

  /** Puts functions into the imported table, from a slot on, when the module is instantiated. */
  fillTable(first: number, functions: readonly number[]): void {
    this.elements = { first, functions };
  }

  /** Bytes for whoever loads the module, which the host's compiler does not look at. */
  addCustomSection(name: string, content: Uint8Array): void {
    this.customSections.push({ name, content });
  }

  build(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    out.bytes(MAGIC_AND_VERSION);
    this.section(out, SECTION.type, this.signatures.length, (body) => {
      for (const { params, results } of this.signatures) {
        body.byte(FUNCTION_TYPE);
        for (const list of [params, results]) {
          body.unsigned(list.length);
          for (const type of list) body.byte(VALUE_TYPE_CODE[type]);
        }
      }
    });
    this.section(out, SECTION.import, this.importCount, (body) => body.bytes(this.imports.view()));
    this.section(out, SECTION.function, this.functions.length, (body) => {
      for (const { type } of this.functions) body.unsigned(type);
    });
    const exported = this.functions.map((f, i) => ({ ...f, index: i + this.importedFunctions }));
    const named = exported.filter((f) => f.exportName !== undefined);
    this.section(out, SECTION.export, named.length, (body) => {
      for (const f of named) {
        body.name(f.exportName ?? '');
        body.byte(EXTERNAL.function);
        body.unsigned(f.index);
      }
    });
    this.elementSection(out);
    const bodies = this.functions.map(({ builder }) => encodeBody(builder));
    this.branchHints(out, bodies);
    this.section(out, SECTION.code, bodies.length, (body) => {
      for (const { bytes } of bodies) {
        body.unsigned(bytes.length);
        body.bytes(bytes);
      }
    });
    this.nameSection(out);
    for (const { name, content } of this.customSections) {
      this.custom(out, name, (body) => body.bytes(content));
    }
    return out.view().slice();
  }

  private importHead(name: string, kind: number): void {
    this.importCount++;
    this.imports.name(IMPORT_MODULE);
    this.imports.name(name);
    this.imports.byte(kind);
  }

  private section(out: ByteWriter, id: number, count: number, write: (body: ByteWriter) => void): void {
    const body = new ByteWriter();
    body.unsigned(count);
    write(body);
    out.byte(id);
    out.unsigned(body.length);
    out.bytes(body.view());
  }

  private elementSection(out: ByteWriter): void {
    const { elements } = this;
    if (elements === undefined) return;
    this.section(out, SECTION.element, 1, (body) => {
      body.unsigned(ELEMENTS_OF_FIRST_TABLE);
      body.byte(CONTROL['i32.const']);
      body.signed32(elements.first);
      body.byte(CONTROL.end);
      body.unsigned(elements.functions.length);
      for (const index of elements.functions) body.unsigned(index);
    });
  }

  private custom(out: ByteWriter, name: string, write: (body: ByteWriter) => void): void {
    const body = new ByteWriter();
    body.name(name);
    write(body);
    out.byte(SECTION.custom);
    out.unsigned(body.length);
    out.bytes(body.view());
  }

  /** Names of functions (appendix, custom section "name", subsection 1). */
  private nameSection(out: ByteWriter): void {
    const named = this.functions.map((f, i) => ({ ...f, index: i + this.importedFunctions }));
    const shown = named.filter((f) => f.debugName !== undefined);
    if (shown.length === 0) return;
    const names = new ByteWriter();
    names.unsigned(shown.length);
    for (const { index, debugName } of shown) {
      names.unsigned(index);
      names.name(debugName ?? '');
    }
    this.custom(out, 'name', (body) => {
      body.byte(FUNCTION_NAMES);
      body.unsigned(names.length);
      body.bytes(names.view());
    });
  }

  private branchHints(out: ByteWriter, bodies: readonly EncodedBody[]): void {
    const hinted = this.functions.map((f, i) => ({ f, i })).filter(({ f }) => f.builder.hints.length > 0);
    if (hinted.length === 0) return;
    this.custom(out, 'metadata.code.branch_hint', (body) => {
      body.unsigned(hinted.length);
      for (const { f, i } of hinted) {
        body.unsigned(i + this.importedFunctions);
        body.unsigned(f.builder.hints.length);
        for (const { at, likely } of f.builder.hints) {
          body.unsigned(at + (bodies[i]?.codeStart ?? 0));
          body.byte(1);
          body.byte(likely);
        }
      }
    });
  }
}

interface EncodedBody {
  readonly bytes: Uint8Array;
  /** Offset of the first instruction: hints count from the start of the locals. */
  readonly codeStart: number;
}

function encodeBody(builder: FunctionBuilder): EncodedBody {
  const out = new ByteWriter();
  const locals = builder.declaredLocals;
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  out.unsigned(runs.length);
  for (const { type, count } of runs) {
    out.unsigned(count);
    out.byte(VALUE_TYPE_CODE[type]);
  }
  const codeStart = out.length;
  out.bytes(builder.code.view());
  return { bytes: out.view().slice(), codeStart };
}
