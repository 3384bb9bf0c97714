/** Standard input as the run needs it: bytes for the guest, the terminal's own keys, and its size. */
import type { ReadStream } from 'node:tty';
import { ESCAPE_HELP, type EscapeAction, EscapeKeys } from './escape-keys.ts';

export interface InputSource {
  readonly isTerminal: boolean;
  /** Starts reading. */
  onBytes(listener: (bytes: Uint8Array) => void): void;
  onEnd(listener: () => void): void;
  onAction(listener: (action: Exclude<EscapeAction, 'help'>) => void): void;
  /** Calls `listener` with the terminal's size now and after every change; never for a pipe. */
  onResize(listener: (columns: number, rows: number) => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

type Stdin = ReadStream | (NodeJS.ReadStream & { isTTY?: false });

export function openInput(
  stdin: Stdin,
  stdout: NodeJS.WriteStream,
  say: (line: string) => void,
): InputSource {
  let act: (action: Exclude<EscapeAction, 'help'>) => void = () => {};
  const keys = new EscapeKeys((action) => {
    if (action === 'help') for (const line of ESCAPE_HELP) say(line);
    else act(action);
  });
  const isTerminal = stdin.isTTY === true;
  return {
    isTerminal,
    onBytes(listener) {
      if (isTerminal) stdin.setRawMode(true);
      stdin.on('data', (bytes: Uint8Array) => listener(isTerminal ? keys.filter(bytes) : bytes));
    },
    onEnd: (listener) => void stdin.on('end', listener),
    onAction: (listener) => {
      act = listener;
    },
    onResize(listener) {
      if (!stdout.isTTY) return;
      const report = (): void => listener(stdout.columns, stdout.rows);
      stdout.on('resize', report);
      report();
    },
    close() {
      if (isTerminal) stdin.setRawMode(false);
      stdin.pause();
      // A pipe that nobody closes would keep the process alive.
      stdin.unref?.();
    },
  };
}
