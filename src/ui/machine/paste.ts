/**
 * What is asked before text from the clipboard reaches the guest: without bracketed paste every line
 * break runs a command, so more than one line is worth a question. Pure.
 */

/** Text of a bracketed paste is data to the program that reads it, unless there is absurdly much. */
const BRACKETED_LINES_UNASKED = 100;

export interface PasteQuestion {
  readonly lines: number;
  /** The first lines, for the dialog. */
  readonly preview: string;
}

const PREVIEW_LINES = 8;

/** The question to ask, or undefined when the text may go to the guest at once. */
export function pasteQuestion(text: string, bracketed: boolean): PasteQuestion | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  const unasked = bracketed ? BRACKETED_LINES_UNASKED : 1;
  if (lines.length <= unasked) return undefined;
  const rest = lines.length - PREVIEW_LINES;
  const preview = lines.slice(0, PREVIEW_LINES).join('\n');
  return { lines: lines.length, preview: rest > 0 ? `${preview}\n… and ${rest} more` : preview };
}

/** The same text as one line, so that nothing runs before the user presses Enter. */
export function asOneLine(text: string): string {
  return text
    .trim()
    .split(/\s*(?:\r\n|\r|\n)\s*/)
    .join(' ');
}
