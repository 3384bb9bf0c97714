/**
 * Where everything is on the virt board: guest-physical windows and interrupt numbers, those of QEMU's virt
 * machine. The bus and the device tree are both made from these rows.
 */

export interface DeviceRow {
  readonly base: number;
  readonly size: number;
  /** Shared peripheral interrupt, counted from 0 (INTID 32). */
  readonly spi: number;
}

export const RAM_BASE = 0x4000_0000;

export const GIC_DISTRIBUTOR = { base: 0x0800_0000, size: 0x1_0000 } as const;
/** Room for 123 redistributors; the bus maps one for each CPU. */
export const GIC_REDISTRIBUTORS = { base: 0x080a_0000, size: 0x00f6_0000 } as const;

export const UART: DeviceRow = { base: 0x0900_0000, size: 0x1000, spi: 1 };
export const RTC: DeviceRow = { base: 0x0901_0000, size: 0x1000, spi: 2 };
export const GPIO: DeviceRow = { base: 0x0903_0000, size: 0x1000, spi: 7 };
export const POWER_KEY_PIN = 3;

/** 32 transports in a row; slot n has the n-th window and the n-th interrupt. */
export const VIRTIO_SLOTS = 32;
const VIRTIO_FIRST: DeviceRow = { base: 0x0a00_0000, size: 0x200, spi: 16 };
export function virtioSlot(slot: number): DeviceRow {
  const { base, size, spi } = VIRTIO_FIRST;
  return { base: base + slot * size, size, spi: spi + slot };
}

/** Private peripheral interrupts, counted from 0 (INTID 16). */
export const PPI = {
  securePhysicalTimer: 13,
  physicalTimer: 14,
  virtualTimer: 11,
  hypTimer: 10,
  pmu: 7,
} as const;

/** The bus clock that the PrimeCells' drivers ask for. */
export const APB_CLOCK_HZ = 24_000_000;

const CPUS_PER_CLUSTER = 16;
/** MPIDR_EL1's affinity of CPU `index`, Aff3.Aff2.Aff1.Aff0, a byte each. */
export function affinityOfCpu(index: number): number {
  return (Math.floor(index / CPUS_PER_CLUSTER) << 8) | (index % CPUS_PER_CLUSTER);
}
