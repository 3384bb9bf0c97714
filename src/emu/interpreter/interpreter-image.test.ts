/** The image that a build makes: it knows every handler, is refused by other programs, and computes the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import { a64Decoder } from '../isa/a64/index.ts';
import { BareMachine } from '../testing/bare-machine.ts';
import { readVectors, vectorFailures } from '../testing/recorded-vectors.ts';
import { choose } from './handler.ts';
import { HandlerTable, handlerKey } from './handler-table.ts';
import { buildInterpreterImage, readInterpreterImage } from './interpreter-image.ts';

const latin1 = new TextDecoder('latin1');

const recorded = readVectors('rows');

describe('an image of all handlers', () => {
  let bytes: Uint8Array<ArrayBuffer>;
  let module: WebAssembly.Module;
  beforeAll(() => {
    bytes = buildInterpreterImage(false, 'all');
    module = new WebAssembly.Module(bytes);
  });

  it('has the handler of every recorded instruction, so that none is made later', () => {
    const image = readInterpreterImage(module);
    const made: string[] = [];
    const table = new HandlerTable(image?.handlers ?? new Map(), (_, { row }) => made.push(row.name));
    for (const { words } of recorded) {
      const decoded = a64Decoder.decode(words[0] ?? 0);
      if (decoded) table.find(decoded.row, choose(decoded.row, decoded.fields), false);
    }
    expect(made).toEqual([]);
  });

  it('gives handlers the numbers that an image of the hot ones gives them', () => {
    const hot = readInterpreterImage(new WebAssembly.Module(buildInterpreterImage(false, 'hot')));
    const all = readInterpreterImage(module);
    expect([...(all?.handlers ?? [])].slice(0, hot?.handlers.size)).toEqual([...(hot?.handlers ?? [])]);
  });

  it('is refused when it was made from other rows', () => {
    const at = latin1.decode(bytes).indexOf('"identity":') + '"identity":'.length;
    const other = bytes.slice();
    other[at] = other[at] === 0x31 ? 0x32 : 0x31;
    expect(readInterpreterImage(module)).toBeDefined();
    expect(readInterpreterImage(new WebAssembly.Module(other))).toBeUndefined();
  });

  it('does what QEMU does for a recorded program of each row', async () => {
    const machine = await BareMachine.create('interpret', module);
    const some = recorded.filter(({ row }, i) => recorded[i - 1]?.row !== row);
    expect(some.length).toBeGreaterThan(500);
    expect(vectorFailures(machine, some)).toEqual([]);
  });
});

describe('handlerKey', () => {
  it('differs between handlers', () => {
    const image = readInterpreterImage(new WebAssembly.Module(buildInterpreterImage(true, 'hot')));
    const decoded = a64Decoder.decode(0x54000040);
    expect(decoded?.row.name).toBe('B.cond');
    if (!decoded) return;
    const chosen = choose(decoded.row, decoded.fields);
    const keys = [true, false].map((near) => handlerKey({ row: decoded.row, chosen, near }));
    expect(new Set(keys.map((key) => image?.handlers.get(key)?.number)).size).toBe(2);
  });
});
