/**
 * Flattened device trees (Devicetree Specification 0.4, chapter 5): a tree of nodes, its writer (format
 * version 17) and a reader that refuses what does not hold together.
 */

/** A property's value as it stands in the blob: big-endian cells, NUL-terminated strings, or nothing. */
export type PropertyValue = Uint8Array;

export interface DeviceTreeNode {
  /** With the unit address; the root's is empty. */
  readonly name: string;
  readonly properties: Map<string, PropertyValue>;
  readonly children: DeviceTreeNode[];
}

export interface DeviceTree {
  readonly root: DeviceTreeNode;
  /** Ranges the kernel must not touch. */
  readonly reservations: readonly { readonly address: bigint; readonly size: bigint }[];
  readonly bootCpu: number;
}

/** A blob that is not a device tree; the message says why. */
export class DeviceTreeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DeviceTreeError';
  }
}

const MAGIC = 0xd00d_feed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_WORDS = 10;
const HEADER_BYTES = 4 * HEADER_WORDS;
const RESERVATION_BYTES = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const NOP = 4;
const END = 9;
/** Deeper trees than any real one are refused, so that reading cannot exhaust the stack. */
const DEEPEST = 64;
const CELL_BYTES = 4;

export function node(
  name: string,
  properties: Readonly<Record<string, PropertyValue>>,
  children: DeviceTreeNode[] = [],
): DeviceTreeNode {
  return { name, properties: new Map(Object.entries(properties)), children };
}

/** 32-bit cells. */
export function cells(...values: number[]): PropertyValue {
  const bytes = new Uint8Array(CELL_BYTES * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(CELL_BYTES * index, value >>> 0);
  return bytes;
}

/** 64-bit numbers as two cells each, most significant first; for integers below 2^53. */
export function wideCells(...values: number[]): PropertyValue {
  return cells(...values.flatMap((value) => [Math.floor(value / 2 ** 32), value % 2 ** 32]));
}

export function strings(...values: string[]): PropertyValue {
  return new TextEncoder().encode(values.map((value) => `${value}\0`).join(''));
}

/** A property that is true by being there. */
export const PRESENT: PropertyValue = new Uint8Array(0);

export function childNamed(parent: DeviceTreeNode, name: string): DeviceTreeNode | undefined {
  return parent.children.find((child) => child.name === name);
}

/** Grows as it is written to; everything is big-endian and padded to cells. */
class BlobWriter {
  private bytes = new Uint8Array(4096);
  length = 0;

  word(value: number): void {
    this.reserve(CELL_BYTES);
    new DataView(this.bytes.buffer).setUint32(this.length, value >>> 0);
    this.length += CELL_BYTES;
  }

  padded(data: Uint8Array): void {
    const size = (data.length + CELL_BYTES - 1) & -CELL_BYTES;
    this.reserve(size);
    this.bytes.set(data, this.length);
    this.length += size;
  }

  taken(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + size));
    larger.set(this.taken());
    this.bytes = larger;
  }
}

/** Property names, each once. */
class StringsBlock {
  private readonly offsets = new Map<string, number>();
  private text = '';

  offsetOf(name: string): number {
    const known = this.offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.text.length;
    this.offsets.set(name, offset);
    this.text += `${name}\0`;
    return offset;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.text);
  }
}

function writeNode(
  structure: BlobWriter,
  names: StringsBlock,
  { name, properties, children }: DeviceTreeNode,
): void {
  structure.word(BEGIN_NODE);
  structure.padded(strings(name));
  for (const [property, value] of properties) {
    structure.word(PROPERTY);
    structure.word(value.length);
    structure.word(names.offsetOf(property));
    structure.padded(value);
  }
  for (const child of children) writeNode(structure, names, child);
  structure.word(END_NODE);
}

/** The blob: header, reservations, structure, strings. */
export function writeDeviceTree({ root, reservations, bootCpu }: DeviceTree): Uint8Array {
  const structure = new BlobWriter();
  const names = new StringsBlock();
  writeNode(structure, names, root);
  structure.word(END);
  const nameBytes = names.bytes();
  const reservationsAt = HEADER_BYTES;
  const structureAt = reservationsAt + RESERVATION_BYTES * (reservations.length + 1);
  const stringsAt = structureAt + structure.length;
  const size = (stringsAt + nameBytes.length + CELL_BYTES - 1) & -CELL_BYTES;
  const blob = new Uint8Array(size);
  const view = new DataView(blob.buffer);
  const header = [
    MAGIC,
    size,
    structureAt,
    stringsAt,
    reservationsAt,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    bootCpu,
    nameBytes.length,
    structure.length,
  ];
  for (const [index, word] of header.entries()) view.setUint32(CELL_BYTES * index, word);
  for (const [index, { address, size: length }] of reservations.entries()) {
    view.setBigUint64(reservationsAt + RESERVATION_BYTES * index, address);
    view.setBigUint64(reservationsAt + RESERVATION_BYTES * index + 8, length);
  }
  blob.set(structure.taken(), structureAt);
  blob.set(nameBytes, stringsAt);
  return blob;
}

/** Walks the structure block; every access is checked against the blob's own sizes. */
class BlobReader {
  private readonly blob: Uint8Array;
  private readonly view: DataView;
  private readonly stringsAt: number;
  private readonly stringsEnd: number;
  private at: number;
  private readonly end: number;
  readonly reservationsAt: number;
  readonly bootCpu: number;

  constructor(blob: Uint8Array) {
    this.view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    if (blob.length < HEADER_BYTES || this.view.getUint32(0) !== MAGIC) {
      throw new DeviceTreeError('it does not start with the magic number of a device tree blob (d00dfeed)');
    }
    const header = Array.from({ length: HEADER_WORDS }, (_, index) =>
      this.view.getUint32(CELL_BYTES * index),
    );
    const [, size, structureAt, stringsAt, reservationsAt, version, compatible, bootCpu, stringsSize] =
      header as [number, number, number, number, number, number, number, number, number];
    if (size > blob.length) {
      throw new DeviceTreeError(`it is cut off: ${blob.length} bytes of ${size} are there`);
    }
    if (compatible > VERSION || version < LAST_COMPATIBLE_VERSION) {
      throw new DeviceTreeError(`its format version ${version} is not known`);
    }
    this.blob = blob.subarray(0, size);
    this.stringsAt = stringsAt;
    this.stringsEnd = Math.min(stringsAt + stringsSize, size);
    this.at = structureAt;
    this.end = size;
    this.reservationsAt = reservationsAt;
    this.bootCpu = bootCpu;
  }

  readRoot(): DeviceTreeNode {
    if (this.nextToken() !== BEGIN_NODE) throw new DeviceTreeError('it has no root node');
    const root = this.readNode(0);
    if (this.nextToken() !== END) throw new DeviceTreeError('something follows its root node');
    return root;
  }

  readReservations(): { address: bigint; size: bigint }[] {
    const found = [];
    for (let at = this.reservationsAt; ; at += RESERVATION_BYTES) {
      if (at + RESERVATION_BYTES > this.end) throw new DeviceTreeError('its reservation block has no end');
      const address = this.view.getBigUint64(at);
      const size = this.view.getBigUint64(at + 8);
      if (address === 0n && size === 0n) return found;
      found.push({ address, size });
    }
  }

  private readNode(depth: number): DeviceTreeNode {
    if (depth > DEEPEST) throw new DeviceTreeError(`its nodes are nested more than ${DEEPEST} deep`);
    const name = this.text(this.at, this.end);
    this.at += (name.length + 1 + CELL_BYTES - 1) & -CELL_BYTES;
    const result = node(name, {});
    for (;;) {
      switch (this.nextToken()) {
        case PROPERTY: {
          const length = this.word();
          const nameAt = this.stringsAt + this.word();
          if (this.at + length > this.end) throw new DeviceTreeError('a property ends outside the blob');
          result.properties.set(
            this.text(nameAt, this.stringsEnd),
            this.blob.slice(this.at, this.at + length),
          );
          this.at += (length + CELL_BYTES - 1) & -CELL_BYTES;
          break;
        }
        case BEGIN_NODE:
          result.children.push(this.readNode(depth + 1));
          break;
        case END_NODE:
          return result;
        default:
          throw new DeviceTreeError(`node "${name}" does not end`);
      }
    }
  }

  private nextToken(): number {
    let token = this.word();
    while (token === NOP) token = this.word();
    return token;
  }

  private word(): number {
    if (this.at + CELL_BYTES > this.end) throw new DeviceTreeError('its structure block has no end');
    const value = this.view.getUint32(this.at);
    this.at += CELL_BYTES;
    return value;
  }

  private text(from: number, limit: number): string {
    const terminator = this.blob.indexOf(0, from);
    if (from >= limit || terminator < 0 || terminator >= limit) {
      throw new DeviceTreeError('a name ends outside the blob');
    }
    return new TextDecoder('latin1').decode(this.blob.subarray(from, terminator));
  }
}

/** @throws {DeviceTreeError} */
export function readDeviceTree(blob: Uint8Array): DeviceTree {
  const reader = new BlobReader(blob);
  const reservations = reader.readReservations();
  return { root: reader.readRoot(), reservations, bootCpu: reader.bootCpu };
}

/** What a boot adds to /chosen and /memory. */
export interface BootFacts {
  /** Kept as the tree has it when undefined. */
  readonly commandLine: string | undefined;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly memory: { readonly base: number; readonly size: number };
}

/** Puts the facts of this boot into a tree, in place, as boot loaders do. */
export function patchForBoot(root: DeviceTreeNode, { commandLine, initrd, memory }: BootFacts): void {
  let chosen = childNamed(root, 'chosen');
  if (!chosen) {
    chosen = node('chosen', {});
    root.children.push(chosen);
  }
  if (commandLine !== undefined) chosen.properties.set('bootargs', strings(commandLine));
  if (initrd) {
    chosen.properties.set('linux,initrd-start', wideCells(initrd.start));
    chosen.properties.set('linux,initrd-end', wideCells(initrd.end));
  } else {
    chosen.properties.delete('linux,initrd-start');
    chosen.properties.delete('linux,initrd-end');
  }
  const isMemory = ({ name }: DeviceTreeNode): boolean => name === 'memory' || name.startsWith('memory@');
  const others = root.children.filter((child) => !isMemory(child));
  const encode = (value: number, cellCount: number): Uint8Array =>
    cellCount === 1 ? cells(value) : wideCells(value);
  const address = encode(memory.base, cellCountOf(root, '#address-cells', 2));
  const size = encode(memory.size, cellCountOf(root, '#size-cells', 1));
  const reg = new Uint8Array(address.length + size.length);
  reg.set(address);
  reg.set(size, address.length);
  root.children.length = 0;
  root.children.push(
    ...others,
    node(`memory@${memory.base.toString(16)}`, { device_type: strings('memory'), reg }),
  );
}

function cellCountOf(root: DeviceTreeNode, property: string, byDefault: number): number {
  const value = root.properties.get(property);
  return value?.length === CELL_BYTES ? value[CELL_BYTES - 1]! : byDefault;
}
