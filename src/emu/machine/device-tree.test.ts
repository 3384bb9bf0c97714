import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  cells,
  childNamed,
  DeviceTreeError,
  node,
  PRESENT,
  patchForBoot,
  readDeviceTree,
  strings,
  wideCells,
  writeDeviceTree,
} from './device-tree.ts';

const hasDtc = spawnSync('dtc', ['--version']).status === 0;

function decompile(blob: Uint8Array): string {
  const { stdout, stderr, status } = spawnSync('dtc', ['-q', '-I', 'dtb', '-O', 'dts'], { input: blob });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout.toString();
}

function compile(source: string): Uint8Array {
  const { stdout, status } = spawnSync('dtc', ['-q', '-I', 'dts', '-O', 'dtb'], { input: source });
  expect(status).toBe(0);
  return new Uint8Array(stdout);
}

const sample = () =>
  node('', { '#address-cells': cells(2), '#size-cells': cells(2), model: strings('a', 'bcd') }, [
    node('empty', {}),
    node('uart@9000000', { reg: wideCells(0x900_0000, 0x1_0000_1000), 'dma-coherent': PRESENT }, [
      node('inner', { odd: Uint8Array.of(1, 2, 3), reg: cells(0xffff_ffff) }),
    ]),
  ]);
const noReservations = { reservations: [], bootCpu: 0 };

describe('device tree blobs', () => {
  it('read back as they were written', () => {
    const tree = {
      root: sample(),
      reservations: [{ address: 0x4800_0000n, size: 0x1_0000_0000n }],
      bootCpu: 2,
    };
    expect(readDeviceTree(writeDeviceTree(tree))).toEqual(tree);
  });

  it.skipIf(!hasDtc)('mean to dtc what was written', () => {
    const source = decompile(writeDeviceTree({ root: sample(), ...noReservations }));
    expect(source.replace(/\s+/g, ' ')).toBe(
      '/dts-v1/; / { #address-cells = <0x02>; #size-cells = <0x02>; model = "a\\0bcd"; empty { }; ' +
        'uart@9000000 { reg = <0x00 0x9000000 0x01 0x1000>; dma-coherent; ' +
        'inner { odd = [01 02 03]; reg = <0xffffffff>; }; }; }; ',
    );
  });

  it.skipIf(!hasDtc)('from dtc can be read, with reservations', () => {
    const blob = compile('/dts-v1/; /memreserve/ 0x1000 0x2000; / { a = "x"; b { c = <1 2>; }; };');
    const { root, reservations } = readDeviceTree(blob);
    expect(reservations).toEqual([{ address: 0x1000n, size: 0x2000n }]);
    expect(root.properties.get('a')).toEqual(strings('x'));
    expect(childNamed(root, 'b')!.properties.get('c')).toEqual(cells(1, 2));
  });

  it('are refused with a reason when they are something else, cut off or damaged', () => {
    const blob = writeDeviceTree({ root: sample(), ...noReservations });
    const changed = (at: number, value: number): Uint8Array => {
      const copy = blob.slice();
      new DataView(copy.buffer).setUint32(at, value);
      return copy;
    };
    expect(() => readDeviceTree(new Uint8Array(0))).toThrow(/magic/);
    expect(() => readDeviceTree(new TextEncoder().encode('<html>'.repeat(20)))).toThrow(/magic/);
    expect(() => readDeviceTree(blob.subarray(0, blob.length - 1))).toThrow(/cut off/);
    expect(() => readDeviceTree(changed(24, 18))).toThrow(/version/);
    expect(() => readDeviceTree(changed(8, blob.length))).toThrow(DeviceTreeError);
  });

  it('never make the reader throw anything but its own error when a word is damaged', () => {
    const blob = writeDeviceTree({ root: sample(), ...noReservations });
    for (let at = 0; at + 4 <= blob.length; at += 4) {
      for (const value of [0, 1, 2, 3, 9, 0x7fff_ffff, 0xffff_ffff]) {
        const copy = blob.slice();
        new DataView(copy.buffer).setUint32(at, value);
        try {
          readDeviceTree(copy);
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceTreeError);
        }
      }
    }
  });

  it('nested without end are refused', () => {
    let root = node('deep', {});
    for (let i = 0; i < 80; i++) root = node('deep', {}, [root]);
    expect(() => readDeviceTree(writeDeviceTree({ root, ...noReservations }))).toThrow(/nested/);
  });
});

describe('patching a device tree for a boot', () => {
  const memory = { base: 0x4000_0000, size: 0x1000_0000 };

  it('fills /chosen and replaces /memory in the cells that the root uses', () => {
    const root = node('', { '#address-cells': cells(1), '#size-cells': cells(1) }, [
      node('memory@0', { reg: cells(0, 0) }),
      node('chosen', { bootargs: strings('old'), 'stdout-path': strings('serial0') }),
    ]);
    patchForBoot(root, {
      commandLine: 'new',
      initrd: { start: 0x4800_0000, end: 0x4800_0123 },
      memory,
    });
    expect(root.children.map(({ name }) => name)).toEqual(['chosen', 'memory@40000000']);
    const [chosen, ram] = root.children;
    expect(chosen!.properties.get('bootargs')).toEqual(strings('new'));
    expect(chosen!.properties.get('stdout-path')).toEqual(strings('serial0'));
    expect(chosen!.properties.get('linux,initrd-end')).toEqual(wideCells(0x4800_0123));
    expect(ram!.properties.get('reg')).toEqual(cells(0x4000_0000, 0x1000_0000));
  });

  it('leaves the command line alone when there is none, and drops a stale initrd', () => {
    const root = node('', {}, [node('chosen', { bootargs: strings('old'), 'linux,initrd-start': cells(1) })]);
    patchForBoot(root, { commandLine: undefined, initrd: undefined, memory });
    expect([...childNamed(root, 'chosen')!.properties.keys()]).toEqual(['bootargs']);
    expect(childNamed(root, 'memory@40000000')!.properties.get('reg')).toHaveLength(12);
  });
});
