import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AFFINITY_STATE, PSCI_RESULT } from '../devices/psci.ts';
import { NO_DEVICE } from '../memory/bus.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import { RecordedLine, seededWords } from '../testing/device-harness.ts';
import { RecordedLog } from '../testing/virtio-driver.ts';
import { MachineConfigError } from './contract.ts';
import { childNamed, type DeviceTreeNode, readDeviceTree, strings, wideCells } from './device-tree.ts';
import { createVirtBoard, type VirtBoardConfig } from './virt-board.ts';
import {
  GIC_DISTRIBUTOR,
  GIC_REDISTRIBUTORS,
  GPIO,
  RTC,
  UART,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';

const RAM_BYTES = 1 << 20;
const FACTS = {
  commandLine: 'console=ttyAMA0',
  initrd: undefined,
  memory: { base: 0x4000_0000, size: RAM_BYTES },
};

function board(config: Partial<VirtBoardConfig> = {}) {
  const cpus = config.cpus ?? 1;
  const bytes = new Uint8Array(RAM_BYTES);
  let shown = '';
  const lines = Array.from({ length: cpus }, () => ({ irq: new RecordedLine(), fiq: new RecordedLine() }));
  const memory = {
    ramBase: 0x4000_0000,
    ramSize: RAM_BYTES,
    view: (address: number, length: number) => {
      const start = address - 0x4000_0000;
      return start >= 0 && start + length <= RAM_BYTES ? bytes.subarray(start, start + length) : undefined;
    },
  };
  const machine = createVirtBoard(
    { memory, cpus, disks: [], ...config },
    {
      wallClock: { nowSeconds: () => 1_700_000_000 },
      entropy: { fill: (target) => target.fill(0x5a) },
      log: new RecordedLog(),
      consoleOutput: (portion) => {
        shown += new TextDecoder().decode(portion);
      },
      cpuInterruptLines: lines,
      psci: {
        cpuOn: () => PSCI_RESULT.alreadyOn,
        cpuOff: () => PSCI_RESULT.denied,
        cpuSuspend: () => {},
        affinityState: () => AFFINITY_STATE.on,
        systemOff: () => {},
        systemReset: () => {},
      },
    },
  );
  return { machine, lines, shown: () => shown };
}
const disk = () => ({ store: new MemoryStore(undefined, { size: 4096 }), serial: 'disk' });

describe('virt board', () => {
  it('answers where its map says, and nowhere else', () => {
    const { machine } = board();
    const at = (address: number): number => machine.bus.read(address, 4);
    expect(at(UART.base + 0xfe0)).toBe(0x11);
    expect(at(RTC.base)).toBe(1_700_000_000);
    expect(at(GPIO.base + 0xfe0)).toBe(0x61);
    expect(at(GIC_DISTRIBUTOR.base + 0xffe8)).toBe(0x3b);
    expect(at(GIC_REDISTRIBUTORS.base + 8)).toBe(0x10);
    expect(at(0x0902_0000)).toBe(NO_DEVICE);
    expect(at(0x4000_0000)).toBe(NO_DEVICE);
  });

  it('plugs disks from the highest slot down, then console and entropy, and leaves the rest empty', () => {
    const { machine } = board({ disks: [disk(), disk()] });
    const types = Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
      machine.bus.read(virtioSlot(slot).base + 8, 4),
    );
    expect(types.slice(-5)).toEqual([0, 4, 3, 2, 2]);
    expect(types.slice(0, -4).every((type) => type === 0)).toBe(true);
    expect(machine.bus.read(virtioSlot(0).base, 4)).toBe(0x7472_6976);
  });

  it('refuses more disks than there are slots', () => {
    expect(() => board({ disks: Array.from({ length: 31 }, disk) })).toThrow(MachineConfigError);
  });

  it('shows what the serial port sent when polled, in one portion', () => {
    const { machine, shown } = board();
    for (const byte of new TextEncoder().encode('hello')) machine.bus.write(UART.base, 4, byte);
    expect(shown()).toBe('');
    machine.poll();
    expect(shown()).toBe('hello');
  });

  it('interrupts the CPU when something is typed', () => {
    const { machine, lines } = board();
    const distributor = GIC_DISTRIBUTOR.base;
    machine.bus.write(distributor, 4, 0x12);
    machine.bus.write(distributor + 0x84, 4, 0xffff_ffff);
    machine.bus.write(distributor + 0x104, 4, 1 << UART.spi);
    machine.gic.cpuInterfaces[0]!.writeRegister('ICC_PMR_EL1', 0xf0, 0);
    machine.gic.cpuInterfaces[0]!.writeRegister('ICC_IGRPEN1_EL1', 1, 0);
    machine.bus.write(UART.base + 0x38, 4, 0x50);
    machine.consoleInput(Uint8Array.of(0x61));
    expect(lines[0]!.irq.level).toBe(true);
    expect(machine.gic.cpuInterfaces[0]!.readRegister('ICC_IAR1_EL1')).toBe(32 + UART.spi);
    expect(machine.bus.read(UART.base, 4)).toBe(0x61);
  });

  it('sends input to the virtio console when that is selected', () => {
    const { machine } = board({ console: 'virtio' });
    machine.consoleInput(Uint8Array.of(0x61));
    expect(machine.bus.read(UART.base + 0x18, 4) & 0x10).toBe(0x10);
  });

  it('raises the power key on pin 3', () => {
    const { machine } = board();
    machine.pressPowerKey();
    expect(machine.bus.read(GPIO.base + (8 << 2), 4)).toBe(8);
  });

  it('goes on as before when all components are saved and restored', () => {
    const { machine } = board({ cpus: 2, disks: [disk()] });
    machine.bus.write(UART.base + 0x38, 4, 0x70);
    machine.consoleInput(Uint8Array.of(1, 2, 3));
    machine.pressPowerKey();
    const saved = Object.entries(machine.components).map(([name, part]) => [name, part.saveState()] as const);
    const other = board({ cpus: 2, disks: [disk()] }).machine;
    const parts = other.components;
    for (const [name, state] of structuredClone(saved)) parts[name]!.restoreState(state);
    expect(Object.entries(parts).map(([name, part]) => [name, part.saveState()])).toEqual(saved);
    expect(other.bus.read(UART.base, 4)).toBe(1);
  });

  it('survives garbage written to every device register', () => {
    const { machine } = board({ cpus: 2, disks: [disk()] });
    const random = seededWords(21);
    for (const { base, size } of machine.bus.list()) {
      for (let i = 0; i < 3000; i++) {
        machine.bus.write(base + ((random() % size) & ~3), 4, random());
        const value = machine.bus.read(base + ((random() % size) & ~3), 4);
        expect(value >>> 0).toBe(value);
      }
    }
  });
});

describe('virt device tree', () => {
  const tree = (config: Partial<VirtBoardConfig> = {}): DeviceTreeNode =>
    readDeviceTree(board(config).machine.deviceTree(FACTS)).root;

  it('describes every window of the bus that a driver finds through it', () => {
    const { machine } = board();
    const { root } = readDeviceTree(machine.deviceTree(FACTS));
    for (const { name, base, size } of machine.bus.list()) {
      if (name.startsWith('gic')) continue;
      const found = root.children.find((child) => child.name.endsWith(`@${base.toString(16)}`));
      expect(found?.properties.get('reg'), name).toEqual(wideCells(base, size));
    }
  });

  it('gives a seed for random numbers but none for the kernel address', () => {
    const chosen = childNamed(tree(), 'chosen')!;
    expect(chosen.properties.get('rng-seed')).toEqual(new Uint8Array(32).fill(0x5a));
    expect(chosen.properties.has('kaslr-seed')).toBe(false);
    expect(chosen.properties.get('stdout-path')).toEqual(strings('/pl011@9000000'));
    expect(chosen.properties.get('bootargs')).toEqual(strings('console=ttyAMA0'));
  });

  it('has a CPU node for each CPU and a PMU only when there is one', () => {
    const cpus = childNamed(tree({ cpus: 3 }), 'cpus')!;
    expect(cpus.children.map(({ name }) => name)).toEqual(['cpu@0', 'cpu@1', 'cpu@2']);
    expect(childNamed(tree(), 'pmu')).toBeUndefined();
    expect(childNamed(tree({ hasPmu: true }), 'pmu')).toBeDefined();
  });

  it.skipIf(spawnSync('dtc', ['--version']).status !== 0)('passes the checks of dtc', () => {
    const input = board({ cpus: 2 }).machine.deviceTree(FACTS);
    const { stderr, status } = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts'], { input });
    expect(status).toBe(0);
    expect(stderr.toString()).toBe('');
  });

  const directory = mkdtempSync(join(tmpdir(), 'virt-'));
  const dumped = join(directory, 'qemu.dtb');
  const args = ['-M', `virt,gic-version=3,dumpdtb=${dumped}`, '-cpu', 'cortex-a72', '-nic', 'none'];
  spawnSync('qemu-system-aarch64', [...args, '-display', 'none']);
  const theirBlob = existsSync(dumped) ? new Uint8Array(readFileSync(dumped)) : undefined;
  rmSync(directory, { recursive: true });
  it.skipIf(!theirBlob)("has QEMU's devices at QEMU's places, apart from what it leaves out", () => {
    const { root } = readDeviceTree(theirBlob!);
    const own = tree();
    const leftOut = /^(platform-bus|fw-cfg|pcie|flash|pmu|memory)/;
    for (const theirs of root.children) {
      if (leftOut.test(theirs.name)) continue;
      const ours = childNamed(own, theirs.name);
      expect(ours, theirs.name).toBeDefined();
      for (const property of ['reg', 'interrupts', 'compatible', 'method', 'clock-frequency', 'always-on']) {
        expect(ours!.properties.get(property), `${theirs.name} ${property}`).toEqual(
          theirs.properties.get(property),
        );
      }
    }
  });
});
