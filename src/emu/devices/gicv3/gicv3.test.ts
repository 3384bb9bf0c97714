import { describe, expect, it } from 'vitest';
import { abuse, BusDriver, RecordedLine, seededWords } from '../../testing/device-harness.ts';
import { ICC_REGISTERS } from './cpu-interface.ts';
import { GICD_WINDOW_SIZE, GICR_SIZE_PER_CPU, Gicv3 } from './gicv3.ts';

const IGROUPR = 0x080;
const ISENABLER = 0x100;
const ICENABLER = 0x180;
const ISPENDR = 0x200;
const ICPENDR = 0x280;
const ISACTIVER = 0x300;
const IPRIORITYR = 0x400;
const ICFGR = 0xc00;
const IROUTER = 0x6000;
const SGI_BASE = 0x1_0000;
const UART = 33;
const NETWORK = 48;
const SPURIOUS = 1023;

/** A GIC whose CPUs have done what Linux does at start: everything group 1 at priority 0xa0, mask at 0xf0. */
function startedGic(cpus = 1) {
  const gic = bareGic(cpus);
  const { distributor, redistributors, cpu } = gic;
  distributor.write(0x0, 0x12);
  for (let word = 1; word <= 8; word++) distributor.write(IGROUPR + 4 * word, 0xffff_ffff);
  for (let intid = 32; intid < 288; intid += 4) distributor.write(IPRIORITYR + intid, 0xa0a0_a0a0);
  for (let i = 0; i < cpus; i++) {
    const frame = i * GICR_SIZE_PER_CPU + SGI_BASE;
    redistributors.write(frame + IGROUPR, 0xffff_ffff);
    for (let intid = 0; intid < 32; intid += 4) redistributors.write(frame + IPRIORITYR + intid, 0xa0a0_a0a0);
    redistributors.write(frame + ISENABLER, 0xffff);
    cpu(i).write('ICC_PMR_EL1', 0xf0);
    cpu(i).write('ICC_IGRPEN1_EL1', 1);
  }
  return gic;
}

function bareGic(cpus = 1) {
  const lines = Array.from({ length: cpus }, () => ({ irq: new RecordedLine(), fiq: new RecordedLine() }));
  const affinities = Array.from({ length: cpus }, (_, index) => index);
  const chip = new Gicv3({ affinities, cpuLines: lines });
  const cpu = (index: number) => ({
    irq: lines[index]!.irq,
    fiq: lines[index]!.fiq,
    read: (name: string) => chip.cpuInterfaces[index]!.readRegister(name),
    write: (name: string, low: number, high = 0) => chip.cpuInterfaces[index]!.writeRegister(name, low, high),
  });
  return {
    chip,
    cpu,
    distributor: new BusDriver(chip.distributor, GICD_WINDOW_SIZE),
    redistributors: new BusDriver(chip.redistributors, GICR_SIZE_PER_CPU * cpus),
  };
}

type Gic = ReturnType<typeof bareGic>;
const enable = ({ distributor }: Gic, intid: number): void =>
  distributor.write(ISENABLER + 4 * (intid >> 5), 1 << (intid & 31));
const setPriority = ({ distributor }: Gic, intid: number, priority: number): void =>
  distributor.write(IPRIORITYR + intid, priority, 1);
const makeEdge = ({ distributor }: Gic, intid: number): void =>
  distributor.write(ICFGR + 4 * (intid >> 4), 2 << (2 * (intid & 15)));

describe('GICv3 identification', () => {
  it('says GICv3, 288 interrupts and one security state when a driver probes', () => {
    const { distributor, redistributors, cpu } = bareGic(2);
    expect(distributor.read(0xffe8) & 0xf0).toBe(0x30);
    expect(distributor.read(0x4) & 0x1f).toBe(8);
    expect(distributor.read(0x0)).toBe(0x50);
    expect(redistributors.read(0xffe8) & 0xf0).toBe(0x30);
    expect(cpu(0).read('ICC_SRE_EL1')).toBe(7);
    expect((cpu(0).read('ICC_CTLR_EL1')! >> 8) & 7).toBe(4);
  });

  it('marks only the last redistributor as last and gives each its affinity', () => {
    const { redistributors } = bareGic(3);
    const types = [0, 1, 2].map((index) => redistributors.read(index * GICR_SIZE_PER_CPU + 8));
    expect(types).toEqual([0x000, 0x100, 0x210]);
    expect(redistributors.read(2 * GICR_SIZE_PER_CPU + 0xc)).toBe(2);
  });

  it('wakes a redistributor when ProcessorSleep is cleared', () => {
    const { redistributors } = bareGic();
    expect(redistributors.read(0x14)).toBe(6);
    redistributors.write(0x14, 0);
    expect(redistributors.read(0x14)).toBe(0);
  });

  it('keeps five priority bits and no byte of IPRIORITYR touches its neighbours', () => {
    const { distributor } = bareGic();
    distributor.write(IPRIORITYR + 40, 0xffff_ffff);
    distributor.write(IPRIORITYR + 41, 0x15, 1);
    expect(distributor.read(IPRIORITYR + 40)).toBe(0xf8f8_10f8);
    expect(distributor.read(IPRIORITYR + 41, 1)).toBe(0x10);
  });
});

describe('GICv3 delivery', () => {
  it('signals a level-sensitive SPI as long as its wire is high and it is not active', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    const wire = chip.spi(UART - 32);
    wire.setLevel(true);
    expect(cpu(0).irq.level).toBe(false);
    enable(gic, UART);
    expect(cpu(0).irq.level).toBe(true);
    expect(cpu(0).read('ICC_HPPIR1_EL1')).toBe(UART);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(UART);
    expect(cpu(0).irq.level).toBe(false);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xa0);
    cpu(0).write('ICC_EOIR1_EL1', UART);
    expect(cpu(0).irq.level).toBe(true);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(UART);
    wire.setLevel(false);
    cpu(0).write('ICC_EOIR1_EL1', UART);
    expect(cpu(0).irq.level).toBe(false);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(SPURIOUS);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xff);
  });

  it('latches an edge, and a second edge while active gives a second interrupt', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    makeEdge(gic, NETWORK);
    enable(gic, NETWORK);
    const wire = chip.spi(NETWORK - 32);
    const pulse = (): void => {
      wire.setLevel(true);
      wire.setLevel(false);
    };
    pulse();
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(NETWORK);
    pulse();
    expect(cpu(0).irq.level).toBe(false);
    cpu(0).write('ICC_EOIR1_EL1', NETWORK);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(NETWORK);
    cpu(0).write('ICC_EOIR1_EL1', NETWORK);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(SPURIOUS);
  });

  it('pends and unpends by register; a level stays pending while the wire is high', () => {
    const gic = startedGic();
    const { chip, cpu, distributor } = gic;
    enable(gic, UART);
    distributor.write(ISPENDR + 4, 1 << 1);
    expect(cpu(0).irq.level).toBe(true);
    distributor.write(ICPENDR + 4, 1 << 1);
    expect(cpu(0).irq.level).toBe(false);
    chip.spi(UART - 32).setLevel(true);
    distributor.write(ICPENDR + 4, 1 << 1);
    expect(distributor.read(ISPENDR + 4)).toBe(2);
    distributor.write(ICENABLER + 4, 1 << 1);
    expect(cpu(0).irq.level).toBe(false);
  });

  it('chooses the most urgent priority, and the lowest INTID among equals', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    for (const intid of [40, 41, 42]) enable(gic, intid);
    setPriority(gic, 42, 0x80);
    for (const intid of [41, 40, 42]) chip.spi(intid - 32).setLevel(true);
    const order = [1, 2, 3].map(() => {
      const intid = cpu(0).read('ICC_IAR1_EL1')!;
      chip.spi(intid - 32).setLevel(false);
      cpu(0).write('ICC_EOIR1_EL1', intid);
      return intid;
    });
    expect(order).toEqual([42, 40, 41]);
  });

  it('holds back what is not more urgent than the priority mask', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    enable(gic, UART);
    cpu(0).write('ICC_PMR_EL1', 0xa0);
    chip.spi(UART - 32).setLevel(true);
    expect(cpu(0).irq.level).toBe(false);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(SPURIOUS);
    expect(cpu(0).read('ICC_HPPIR1_EL1')).toBe(UART);
    cpu(0).write('ICC_PMR_EL1', 0xff);
    expect(cpu(0).read('ICC_PMR_EL1')).toBe(0xf8);
    expect(cpu(0).irq.level).toBe(true);
  });

  it('lets a more urgent interrupt preempt, and nests ends in reverse order', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    enable(gic, 40);
    enable(gic, 41);
    setPriority(gic, 41, 0x40);
    chip.spi(8).setLevel(true);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(40);
    chip.spi(9).setLevel(true);
    expect(cpu(0).irq.level).toBe(true);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(41);
    expect(cpu(0).read('ICC_AP1R0_EL1')).toBe(((1 << 8) | (1 << 20)) >>> 0);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0x40);
    cpu(0).write('ICC_EOIR1_EL1', 41);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xa0);
    cpu(0).write('ICC_EOIR1_EL1', 40);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xff);
  });

  it('does not preempt within one group priority when the binary point is coarse', () => {
    const gic = startedGic();
    const { chip, cpu } = gic;
    enable(gic, 40);
    enable(gic, 41);
    setPriority(gic, 41, 0x80);
    cpu(0).write('ICC_BPR1_EL1', 7);
    chip.spi(8).setLevel(true);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(40);
    chip.spi(9).setLevel(true);
    expect(cpu(0).irq.level).toBe(false);
    cpu(0).write('ICC_BPR1_EL1', 0);
    expect(cpu(0).read('ICC_BPR1_EL1')).toBe(3);
  });

  it('separates priority drop from deactivation when EOImode is set', () => {
    const gic = startedGic();
    const { chip, cpu, distributor } = gic;
    cpu(0).write('ICC_CTLR_EL1', 2);
    enable(gic, UART);
    chip.spi(UART - 32).setLevel(true);
    cpu(0).read('ICC_IAR1_EL1');
    cpu(0).write('ICC_EOIR1_EL1', UART);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xff);
    expect(distributor.read(ISACTIVER + 4)).toBe(2);
    expect(cpu(0).irq.level).toBe(false);
    cpu(0).write('ICC_DIR_EL1', UART);
    expect(distributor.read(ISACTIVER + 4)).toBe(0);
    expect(cpu(0).irq.level).toBe(true);
  });

  it('signals group 0 as FIQ and acknowledges it through IAR0 only', () => {
    const gic = startedGic();
    const { chip, cpu, distributor } = gic;
    distributor.write(IGROUPR + 4, 0xffff_fffd);
    distributor.write(0x0, 0x13);
    cpu(0).write('ICC_IGRPEN0_EL1', 1);
    enable(gic, UART);
    chip.spi(UART - 32).setLevel(true);
    expect([cpu(0).irq.level, cpu(0).fiq.level]).toEqual([false, true]);
    expect(cpu(0).read('ICC_IAR1_EL1')).toBe(SPURIOUS);
    expect(cpu(0).read('ICC_IAR0_EL1')).toBe(UART);
    cpu(0).write('ICC_EOIR1_EL1', UART);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xa0);
    cpu(0).write('ICC_EOIR0_EL1', UART);
    expect(cpu(0).read('ICC_RPR_EL1')).toBe(0xff);
  });

  it('delivers an SPI to the CPU it is routed to, and to none when the affinity does not exist', () => {
    const gic = startedGic(2);
    const { chip, cpu, distributor } = gic;
    enable(gic, UART);
    chip.spi(UART - 32).setLevel(true);
    expect(cpu(0).irq.level).toBe(true);
    distributor.write(IROUTER + 8 * UART, 1);
    expect([cpu(0).irq.level, cpu(1).irq.level]).toEqual([false, true]);
    distributor.write(IROUTER + 8 * UART + 4, 3);
    expect(distributor.read(IROUTER + 8 * UART + 4)).toBe(3);
    expect([cpu(0).irq.level, cpu(1).irq.level]).toEqual([false, false]);
  });

  it('keeps PPIs private to their CPU', () => {
    const { chip, cpu, redistributors } = startedGic(2);
    for (const index of [0, 1]) {
      redistributors.write(index * GICR_SIZE_PER_CPU + SGI_BASE + ISENABLER, 1 << 27);
    }
    chip.ppi(1, 11).setLevel(true);
    expect([cpu(0).irq.level, cpu(1).irq.level]).toEqual([false, true]);
    expect(cpu(1).read('ICC_IAR1_EL1')).toBe(27);
  });
});

describe('GICv3 software-generated interrupts', () => {
  it('reach the CPUs of the target list', () => {
    const { cpu } = startedGic(4);
    cpu(0).write('ICC_SGI1R_EL1', (5 << 24) | 0b1010);
    expect([0, 1, 2, 3].map((index) => cpu(index).irq.level)).toEqual([false, true, false, true]);
    expect(cpu(3).read('ICC_IAR1_EL1')).toBe(5);
    expect(cpu(3).irq.level).toBe(false);
  });

  it('reach everyone but the sender when IRM is set', () => {
    const { cpu } = startedGic(3);
    cpu(1).write('ICC_SGI1R_EL1', 2 << 24, 1 << 8);
    expect([0, 1, 2].map((index) => cpu(index).irq.level)).toEqual([true, false, true]);
  });

  it('are dropped when the cluster, the range or the group does not match', () => {
    const { cpu } = startedGic(2);
    cpu(0).write('ICC_SGI1R_EL1', (1 << 24) | (1 << 16) | 3);
    cpu(0).write('ICC_SGI1R_EL1', (1 << 24) | 3, 1 << 12);
    cpu(0).write('ICC_SGI0R_EL1', (1 << 24) | 3);
    expect([0, 1].map((index) => cpu(index).irq.level)).toEqual([false, false]);
    expect(cpu(1).read('ICC_HPPIR1_EL1')).toBe(SPURIOUS);
  });
});

describe('GICv3 state', () => {
  it('goes on as before when saved in the middle of a nested interrupt', () => {
    const first = startedGic(2);
    enable(first, 40);
    enable(first, 41);
    makeEdge(first, 41);
    setPriority(first, 41, 0x40);
    first.chip.spi(8).setLevel(true);
    first.cpu(0).read('ICC_IAR1_EL1');
    first.chip.spi(9).setLevel(true);
    const state = structuredClone(first.chip.saveState());
    const second = bareGic(2);
    second.chip.restoreState(state);
    expect(second.chip.saveState()).toEqual(state);
    expect(second.cpu(0).irq.level).toBe(true);
    expect(second.cpu(0).read('ICC_IAR1_EL1')).toBe(41);
    expect(second.cpu(0).read('ICC_RPR_EL1')).toBe(0x40);
    expect(() => bareGic(1).chip.restoreState(state)).toThrow(RangeError);
  });

  it('finds the same interrupt as a plain search when random state is thrown at it', () => {
    const gic = startedGic();
    const { chip, cpu, distributor } = gic;
    const random = seededWords(7);
    for (let round = 0; round < 300; round++) {
      const intid = 32 + (random() % 256);
      if (random() & 1) enable(gic, intid);
      else distributor.write(ICENABLER + 4 * (intid >> 5), 1 << (intid & 31));
      setPriority(gic, 32 + (random() % 256), random() & 0xff);
      chip.spi(random() % 256).setLevel((random() & 1) === 1);
      const waiting = [];
      for (let id = 32; id < 288; id++) {
        const bit = (register: number): boolean =>
          ((distributor.read(register + 4 * (id >> 5)) >>> (id & 31)) & 1) === 1;
        if (bit(ISENABLER) && bit(ISPENDR)) waiting.push([distributor.read(IPRIORITYR + id, 1), id] as const);
      }
      waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      expect(cpu(0).read('ICC_HPPIR1_EL1')).toBe(waiting[0]?.[1] ?? SPURIOUS);
    }
  });

  it('survives garbage in every frame and register', () => {
    const { chip, cpu } = bareGic(2);
    expect(abuse(chip.distributor, GICD_WINDOW_SIZE, 20_000)).toBeUndefined();
    expect(abuse(chip.redistributors, 2 * GICR_SIZE_PER_CPU, 20_000)).toBeUndefined();
    const random = seededWords(3);
    for (let i = 0; i < 20_000; i++) {
      const name = ICC_REGISTERS[random() % ICC_REGISTERS.length]!;
      if (random() & 1) cpu(random() & 1).write(name, random(), random());
      else {
        const value = cpu(random() & 1).read(name) ?? 0;
        expect(value >>> 0).toBe(value);
      }
      chip.spi(random() % 256).setLevel((random() & 1) === 1);
    }
    expect(cpu(0).read('ICC_NONSENSE_EL1')).toBeUndefined();
    expect(cpu(0).write('ICC_IAR1_EL1', 0)).toBe(false);
  });
});
