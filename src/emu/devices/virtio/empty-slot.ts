/** A virtio MMIO transport without a device: it says so (virtio 1.2, 4.2.2, DeviceID) and takes nothing. */
import type { AccessSize, MmioDevice } from '../../base/ports.ts';
import {
  DEVICE_ID,
  MAGIC,
  MAGIC_VALUE,
  MMIO_VERSION,
  NO_DEVICE_ID,
  VENDOR,
  VENDOR_ID,
  VERSION,
} from './registers.ts';

const IDENTITY: Readonly<Record<number, number>> = {
  [MAGIC_VALUE]: MAGIC,
  [VERSION]: MMIO_VERSION,
  [DEVICE_ID]: NO_DEVICE_ID,
  [VENDOR_ID]: VENDOR,
};

export const emptySlot: MmioDevice = {
  read: (offset: number, size: AccessSize) => (size === 4 ? (IDENTITY[offset] ?? 0) : 0),
  write: () => {},
};
