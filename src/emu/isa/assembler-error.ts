/** Mistakes in assembly source: in a statement, and with their place in the whole. */

/** Text that is no statement; `at` is the offset where reading failed. */
export class EncodingError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'EncodingError';
    this.at = at;
  }
}

/** A mistake in source text; line and column count from 1. */
export class AssemblyError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(`line ${line}, column ${column}: ${message}`);
    this.name = 'AssemblyError';
    this.line = line;
    this.column = column;
  }
}
