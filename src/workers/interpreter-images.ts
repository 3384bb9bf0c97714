/**
 * Where a page finds the interpreter's images, for memory that threads share and for memory that they do not. The
 * plugin of the builds and of the development server (src/cli/interpreter-plugin.ts) puts the addresses here; in Node,
 * and where pages are built otherwise, there are none, and each machine's thread generates its interpreter.
 */
export interface InterpreterImages {
  readonly shared: string;
  readonly unshared: string;
}

export const INTERPRETER_IMAGES: InterpreterImages | undefined = undefined;
