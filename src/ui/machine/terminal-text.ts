/** The text in a terminal's buffer, without colours: for copying, saving and reports. */
import type { IBuffer } from '@xterm/xterm';

/** Everything including the scrollback; wrapped lines are joined, blank lines at the end dropped. */
export function bufferText(buffer: Pick<IBuffer, 'length' | 'getLine'>): string {
  const lines: string[] = [];
  for (let row = 0; row < buffer.length; row++) {
    const line = buffer.getLine(row);
    if (line === undefined) continue;
    const wrapsOn = buffer.getLine(row + 1)?.isWrapped ?? false;
    const text = line.translateToString(!wrapsOn);
    if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  return lines.join('\n').trimEnd();
}
