import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MachineConfigError } from './contract.ts';
import { childNamed, node, readDeviceTree, strings, writeDeviceTree } from './device-tree.ts';
import { type BootFiles, loadGuest } from './linux-boot.ts';

const MIB = 1 << 20;
const RAM_BASE = 0x4000_0000;
const DEVICE_TREE = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed, 1, 2, 3);

function ram(mebibytes: number) {
  const bytes = new Uint8Array(mebibytes * MIB);
  return {
    bytes,
    ramBase: RAM_BASE,
    ramSize: bytes.length,
    view: (address: number, length: number) => {
      const start = address - RAM_BASE;
      return start >= 0 && start + length <= bytes.length ? bytes.subarray(start, start + length) : undefined;
    },
  };
}

interface ImageOptions {
  readonly length?: number;
  readonly textOffset?: bigint;
  readonly imageSize?: bigint;
  readonly flags?: bigint;
}
function image({ length = 4096, textOffset = 0n, imageSize = 0x10_0000n, flags = 0xan }: ImageOptions = {}) {
  const bytes = new Uint8Array(length).fill(0x11);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xfa40_5a4d, true);
  view.setBigUint64(8, textOffset, true);
  view.setBigUint64(16, imageSize, true);
  view.setBigUint64(24, flags, true);
  view.setUint32(56, 0x644d_5241, true);
  return bytes;
}

async function load(files: Partial<BootFiles>, mebibytes = 256) {
  const memory = ram(mebibytes);
  const result = await loadGuest(memory, { kernel: image(), commandLine: '', ...files }, () => DEVICE_TREE);
  return { ...result, at: (address: number, length: number) => memory.view(address, length)! };
}

async function failure(files: Partial<BootFiles>, mebibytes = 32): Promise<MachineConfigError> {
  const error = await load(files, mebibytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MachineConfigError);
  return error as MachineConfigError;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
/** A file that starts like `start`, with bytes behind it that are neither text nor zero. */
function fileLike(start: Uint8Array, at = 0): Uint8Array {
  const bytes = new Uint8Array(2048).fill(0x91);
  bytes.set(start, at);
  return bytes;
}

describe('loading a guest', () => {
  it('puts an Image, the initrd and the device tree where QEMU does', async () => {
    const initrd = ascii('070701 and so on');
    const { entry, deviceTreeAddress, at } = await load({ initrd }, 512);
    expect(entry).toBe(0x4020_0000);
    expect(at(entry, 4096)).toEqual(image());
    expect(at(0x4800_0000, initrd.length)).toEqual(initrd);
    expect(deviceTreeAddress).toBe(0x4820_0000);
    expect(at(deviceTreeAddress, DEVICE_TREE.length)).toEqual(DEVICE_TREE);
  });

  it('unpacks a gzip-compressed Image', async () => {
    const { entry, at } = await load({ kernel: new Uint8Array(gzipSync(image())) });
    expect(at(entry, 4096)).toEqual(image());
  });

  it('takes files in parts of any size, and files that are still on their way', async () => {
    const kernel = image();
    const initrd = ascii('070701 and so on');
    const files = {
      kernel: Promise.resolve([kernel.subarray(0, 10), kernel.subarray(10, 70), kernel.subarray(70)]),
      initrd: Promise.resolve([initrd.subarray(0, 1), initrd.subarray(1)]),
    };
    const { entry, at } = await load(files, 512);
    expect(entry).toBe(0x4020_0000);
    expect(at(entry, kernel.length)).toEqual(kernel);
    expect(at(0x4800_0000, initrd.length)).toEqual(initrd);
  });

  it('honours text_offset, also of kernels that do not tell their size', async () => {
    expect((await load({ kernel: image({ textOffset: 0x8_0000n }) })).entry).toBe(0x4008_0000);
    expect((await load({ kernel: image({ imageSize: 0n }) })).entry).toBe(0x4008_0000);
  });

  it('keeps initrd and device tree clear of the memory that the kernel claims beyond its file', async () => {
    const { deviceTreeAddress } = await load({ kernel: image({ imageSize: 140n << 20n }) });
    expect(deviceTreeAddress).toBeGreaterThanOrEqual(RAM_BASE + 142 * MIB);
  });

  it('packs tightly when memory is short', async () => {
    const initrd = new Uint8Array(20 * MIB).fill(7);
    const { deviceTreeAddress, at } = await load({ initrd }, 32);
    expect(deviceTreeAddress).toBe(RAM_BASE + 24 * MIB);
    expect(Buffer.compare(at(RAM_BASE + 3 * MIB, initrd.length), initrd)).toBe(0);
  });

  it('enters a raw binary at its first byte, 512 KiB into RAM', async () => {
    const program = Uint8Array.of(0x00, 0x00, 0x80, 0xd2, 0xc0, 0x03, 0x5f, 0xd6);
    const { entry, at } = await load({ kernel: program });
    expect(entry).toBe(0x4008_0000);
    expect(at(entry, 8)).toEqual(program);
  });

  it("fills in a user's device tree, keeping its command line when none is given", async () => {
    const dtb = writeDeviceTree({
      root: node('', {}, [node('chosen', { bootargs: strings('from file') })]),
      reservations: [],
      bootCpu: 0,
    });
    for (const [commandLine, expected] of [
      ['', 'from file'],
      ['from user', 'from user'],
    ] as const) {
      const { deviceTreeAddress, at } = await load({ dtb, commandLine });
      const { root } = readDeviceTree(at(deviceTreeAddress, 4096));
      expect(childNamed(root, 'chosen')!.properties.get('bootargs')).toEqual(strings(expected));
      expect(childNamed(root, 'memory@40000000')).toBeDefined();
    }
  });
});

describe('files that cannot boot', () => {
  const kernels: [string, Uint8Array, RegExp][] = [
    ['is empty', new Uint8Array(0), /empty/],
    ['is an ELF file', fileLike(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)), /ELF/],
    ['is an x86 kernel', fileLike(ascii('HdrS'), 0x202), /x86/],
    ['is a 32-bit Arm kernel', fileLike(Uint8Array.of(0x18, 0x28, 0x6f, 0x01), 0x24), /32-bit Arm/],
    ['is an EFI zboot image', fileLike(ascii('MZ\0\0zimg')), /zboot/],
    ['is an initrd', fileLike(ascii('070701')), /initial RAM disk/],
    ['is a device tree', fileLike(Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)), /device tree/],
    ['is compressed with xz', fileLike(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a)), /xz/],
    ['is compressed with zstd', fileLike(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)), /zstd/],
    ['is a web page', ascii('\n<!DOCTYPE html><html>not found</html>'), /web page/],
    ['is text', ascii('Hello there'), /text/],
    ['is all zeros', new Uint8Array(4096), /not an arm64 Linux Image/],
    ['is too short', Uint8Array.of(0xd5, 0x03), /too short/],
    ['is big-endian', image({ flags: 1n }), /big-endian/],
    ['is cut-off gzip', new Uint8Array(gzipSync(fileLike(ascii('x'))).subarray(0, 20)), /damaged or cut off/],
    ['is gzip around an ELF file', new Uint8Array(gzipSync(fileLike(ascii('\x7fELF')))), /ELF/],
  ];
  for (const [what, kernel, message] of kernels) {
    it(`are refused in words when the kernel ${what}`, async () => {
      const error = await failure({ kernel });
      expect(error.code).toBe('bad-kernel');
      expect(error.message).toMatch(message);
    });
  }

  it('are refused with the memory they need when memory is too small', async () => {
    const large = await failure({ kernel: image({ imageSize: 40n << 20n }) });
    expect(large).toMatchObject({ code: 'memory', hint: expect.stringMatching(/at least 44 MiB/) });
    expect(large.message).toMatch(/kernel does not fit.*32 MiB.*40 MiB/);
    const initrd = await failure({ initrd: new Uint8Array(30 * MIB).fill(1) });
    expect(initrd.message).toMatch(/initrd does not fit/);
    const absurd = await failure({ kernel: image({ imageSize: 0xffff_ffff_ffff_ffffn }) });
    expect(absurd.code).toBe('memory');
  });

  it('are refused when gzip unpacks to more than the memory', async () => {
    const error = await failure({ kernel: new Uint8Array(gzipSync(new Uint8Array(33 * MIB))) });
    expect(error.code).toBe('memory');
  });

  it('are refused when the initrd is empty or a web page', async () => {
    expect((await failure({ initrd: new Uint8Array(0) })).code).toBe('bad-initrd');
    expect((await failure({ initrd: ascii('<html>') })).message).toMatch(/web page/);
  });

  it('are refused with the reason when the device tree is broken', async () => {
    const error = await failure({ dtb: ascii('not a tree at all, but long enough to be read as one') });
    expect(error.code).toBe('bad-dtb');
    expect(error.message).toMatch(/magic number/);
  });
});
