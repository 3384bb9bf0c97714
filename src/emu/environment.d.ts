/**
 * All that the engine may use of its host besides the language itself. The engine is checked against this
 * file instead of the browser's or Node's types (tsconfig.engine.json), so a clock, a document or a file in
 * it is a compile error. Add to it only what every browser and Node have.
 */

declare namespace WebAssembly {
  type ExportValue = ((...args: never[]) => unknown) | Memory | Table | Global;
  type ImportValue = ExportValue | number;
  type ModuleImports = Record<string, ImportValue>;
  type Imports = Record<string, ModuleImports>;

  /** Backed by a SharedArrayBuffer when made with `shared`; the type says ArrayBuffer as lib.dom does. */
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    // biome-ignore lint/suspicious/noExplicitAny: a function of whatever type the module declares.
    get(index: number): any;
    set(index: number, value: unknown): void;
    grow(elements: number, value?: unknown): number;
  }

  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value?: number | bigint);
    // biome-ignore lint/suspicious/noExplicitAny: number or bigint by the declared type.
    value: any;
  }

  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { readonly name: string; readonly kind: string }[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }

  class Instance {
    constructor(module: Module, imports?: Imports);
    // biome-ignore lint/suspicious/noExplicitAny: what is exported depends on the module.
    readonly exports: Record<string, any>;
  }

  class CompileError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBufferLike, options?: { stream?: boolean }): string;
}

declare function structuredClone<T>(value: T): T;

interface ReadableStreamDefaultReader<T> {
  read(): Promise<{ done: false; value: T } | { done: true; value?: undefined }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

interface ReadableStream<T> {
  getReader(): ReadableStreamDefaultReader<T>;
}

interface WritableStreamDefaultWriter<T> {
  readonly ready: Promise<undefined>;
  write(chunk: T): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}

interface WritableStream<T> {
  getWriter(): WritableStreamDefaultWriter<T>;
}

declare class DecompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

declare class CompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}
