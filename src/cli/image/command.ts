/** What a subcommand of `npm run image` is, and all that it may use of the process around it. */

export interface CommandIo {
  /** To standard output; resolves when more may follow. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** One line to standard error. */
  say(line: string): void;
  /** Standard input. */
  input(): AsyncIterable<Uint8Array>;
  nowMs(): number;
  /** Shows one line in the place of the one before, where standard error is a terminal. */
  progress?(line: string): void;
}

export interface ImageCommand {
  readonly name: string;
  /** What follows the name on the command line. */
  readonly synopsis: string;
  /** One line for the help text. */
  readonly summary: string;
  /** @throws {CommandError} and the errors of formats, file systems and files, whose messages are for users */
  run(args: readonly string[], io: CommandIo): Promise<void>;
}

/** Wrong use of a command: the synopsis is shown with it. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
