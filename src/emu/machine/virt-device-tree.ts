/**
 * The virt board's device tree, from the rows of virt-map.ts. Bindings: Linux
 * Documentation/devicetree/bindings (arm,gic-v3; arm,pl011; arm,pl031; arm,pl061; gpio-keys; psci;
 * virtio,mmio; arm,armv8-timer).
 *
 * There is no kaslr-seed on purpose: with one, kernels with KPTI unmap themselves at EL0, which costs every
 * system call dearly.
 */
import type { Entropy } from '../base/ports.ts';
import {
  type BootFacts,
  cells,
  type DeviceTreeNode,
  node,
  PRESENT,
  patchForBoot,
  strings,
  wideCells,
  writeDeviceTree,
} from './device-tree.ts';
import {
  APB_CLOCK_HZ,
  affinityOfCpu,
  type DeviceRow,
  GIC_DISTRIBUTOR,
  GIC_REDISTRIBUTORS,
  GPIO,
  POWER_KEY_PIN,
  PPI,
  RTC,
  UART,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';

const PHANDLE = { clock: 0x8000, gic: 0x8001, gpio: 0x8002 } as const;
/** Interrupt specifiers of the arm,gic-v3 binding. */
const SPI = 0;
const PRIVATE = 1;
const EDGE_RISING = 1;
const LEVEL_HIGH = 4;
/** Linux input event code of the power key. */
const KEY_POWER = 116;
const RNG_SEED_BYTES = 32;
/** PSCI function identifiers, for drivers of PSCI 0.1. */
const PSCI_CPU_SUSPEND = 0xc400_0001;
const PSCI_CPU_OFF = 0x8400_0002;
const PSCI_CPU_ON = 0xc400_0003;
const PSCI_MIGRATE = 0xc400_0005;

export interface VirtDeviceTreeOptions {
  readonly cpus: number;
  /** The device tree's name of the CPU model. */
  readonly cpuCompatible: string;
  /** Whether the CPUs have PMUv3. */
  readonly hasPmu: boolean;
  readonly entropy: Entropy;
}

const hex = (value: number): string => value.toString(16);

function primeCell(name: string, row: DeviceRow, clocks: string[], compatible: string): DeviceTreeNode {
  return node(`${name}@${hex(row.base)}`, {
    compatible: strings(compatible, 'arm,primecell'),
    reg: wideCells(row.base, row.size),
    interrupts: cells(SPI, row.spi, LEVEL_HIGH),
    clocks: cells(...clocks.map(() => PHANDLE.clock)),
    'clock-names': strings(...clocks),
  });
}

function gpioNodes(): DeviceTreeNode[] {
  const controller = primeCell('pl061', GPIO, ['apb_pclk'], 'arm,pl061');
  controller.properties.set('gpio-controller', PRESENT);
  controller.properties.set('#gpio-cells', cells(2));
  controller.properties.set('phandle', cells(PHANDLE.gpio));
  const powerKey = node('poweroff', {
    label: strings('GPIO Key Poweroff'),
    'linux,code': cells(KEY_POWER),
    gpios: cells(PHANDLE.gpio, POWER_KEY_PIN, 0),
  });
  return [controller, node('gpio-keys', { compatible: strings('gpio-keys') }, [powerKey])];
}

function cpuNodes({ cpus, cpuCompatible }: VirtDeviceTreeOptions): DeviceTreeNode {
  const nodes = Array.from({ length: cpus }, (_, index) => {
    const affinity = affinityOfCpu(index);
    return node(`cpu@${hex(affinity)}`, {
      device_type: strings('cpu'),
      compatible: strings(cpuCompatible),
      reg: cells(affinity),
      'enable-method': strings('psci'),
    });
  });
  return node('cpus', { '#address-cells': cells(1), '#size-cells': cells(0) }, nodes);
}

function interruptController(): DeviceTreeNode {
  return node(`intc@${hex(GIC_DISTRIBUTOR.base)}`, {
    compatible: strings('arm,gic-v3'),
    'interrupt-controller': PRESENT,
    '#interrupt-cells': cells(3),
    '#address-cells': cells(2),
    '#size-cells': cells(2),
    ranges: PRESENT,
    '#redistributor-regions': cells(1),
    reg: wideCells(
      GIC_DISTRIBUTOR.base,
      GIC_DISTRIBUTOR.size,
      GIC_REDISTRIBUTORS.base,
      GIC_REDISTRIBUTORS.size,
    ),
    phandle: cells(PHANDLE.gic),
  });
}

function coreNodes({ hasPmu }: VirtDeviceTreeOptions): DeviceTreeNode[] {
  const timers = [PPI.securePhysicalTimer, PPI.physicalTimer, PPI.virtualTimer, PPI.hypTimer];
  const nodes = [
    node('psci', {
      compatible: strings('arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'),
      method: strings('hvc'),
      cpu_suspend: cells(PSCI_CPU_SUSPEND),
      cpu_off: cells(PSCI_CPU_OFF),
      cpu_on: cells(PSCI_CPU_ON),
      migrate: cells(PSCI_MIGRATE),
    }),
    node('timer', {
      compatible: strings('arm,armv8-timer', 'arm,armv7-timer'),
      interrupts: cells(...timers.flatMap((timer) => [PRIVATE, timer, LEVEL_HIGH])),
      'always-on': PRESENT,
    }),
  ];
  if (!hasPmu) return nodes;
  const interrupts = cells(PRIVATE, PPI.pmu, LEVEL_HIGH);
  return [...nodes, node('pmu', { compatible: strings('arm,armv8-pmuv3'), interrupts })];
}

/**
 * From the highest slot down, which is the order in which devices are plugged in: Linux names disks in the
 * order of these nodes, so the first disk is /dev/vda.
 */
function virtioNodes(): DeviceTreeNode[] {
  return Array.from({ length: VIRTIO_SLOTS }, (_, index) => {
    const { base, size, spi } = virtioSlot(VIRTIO_SLOTS - 1 - index);
    return node(`virtio_mmio@${hex(base)}`, {
      compatible: strings('virtio,mmio'),
      reg: wideCells(base, size),
      interrupts: cells(SPI, spi, EDGE_RISING),
      'dma-coherent': PRESENT,
    });
  });
}

/** The blob for a boot with these facts. */
export function virtDeviceTree(options: VirtDeviceTreeOptions, facts: BootFacts): Uint8Array {
  const seed = new Uint8Array(RNG_SEED_BYTES);
  options.entropy.fill(seed);
  const clock = node('apb-pclk', {
    compatible: strings('fixed-clock'),
    '#clock-cells': cells(0),
    'clock-frequency': cells(APB_CLOCK_HZ),
    'clock-output-names': strings('clk24mhz'),
    phandle: cells(PHANDLE.clock),
  });
  const chosen = node('chosen', { 'stdout-path': strings(`/pl011@${hex(UART.base)}`), 'rng-seed': seed });
  const root = node(
    '',
    {
      compatible: strings('linux,dummy-virt'),
      model: strings('linux,dummy-virt'),
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      'interrupt-parent': cells(PHANDLE.gic),
    },
    [
      chosen,
      cpuNodes(options),
      ...coreNodes(options),
      interruptController(),
      clock,
      primeCell('pl011', UART, ['uartclk', 'apb_pclk'], 'arm,pl011'),
      primeCell('pl031', RTC, ['apb_pclk'], 'arm,pl031'),
      ...gpioNodes(),
      ...virtioNodes(),
    ],
  );
  patchForBoot(root, facts);
  return writeDeviceTree({ root, reservations: [], bootCpu: 0 });
}
