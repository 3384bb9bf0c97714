import { expect, it } from 'vitest';
import { bufferText } from './terminal-text.ts';

interface Row {
  readonly text: string;
  readonly isWrapped?: boolean;
}

function buffer(columns: number, rows: readonly Row[]): Parameters<typeof bufferText>[0] {
  return {
    length: rows.length,
    getLine: (index) => {
      const row = rows[index];
      if (row === undefined) return undefined;
      const padded = row.text.padEnd(columns);
      return {
        isWrapped: row.isWrapped ?? false,
        length: columns,
        getCell: () => undefined,
        translateToString: (trimRight) => (trimRight ? padded.trimEnd() : padded),
      };
    },
  };
}

it('joins wrapped lines, keeps the spaces inside them and drops blank lines at the end', () => {
  const rows = [
    { text: 'echo a ' },
    { text: 'b', isWrapped: true },
    { text: '' },
    { text: 'end' },
    { text: '' },
  ];
  expect(bufferText(buffer(8, rows))).toBe('echo a  b\n\nend');
});
