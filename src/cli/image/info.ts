/** `image info`: what a file is, what disk it holds, and how that is divided. */
import type { BlockStore } from '../../emu/storage/block-store.ts';
import { openVolume, readDiskLayout } from '../../emu/storage/filesystems/open-volume.ts';
import type { Partition } from '../../emu/storage/filesystems/partitions/partition-table.ts';
import { isStreamFormat } from '../../emu/storage/formats/decode-stream.ts';
import { ImageError } from '../../emu/storage/formats/image-error.ts';
import { ImageStore } from '../../emu/storage/formats/image-store.ts';
import { identifySource, openImage } from '../../emu/storage/formats/open-image.ts';
import type { ImageReader } from '../../emu/storage/formats/random-access.ts';
import { readXzIndex, type XzBlock } from '../../emu/storage/formats/xz-image.ts';
import { FileSource } from '../file-source.ts';
import { CommandError, type CommandIo, type ImageCommand } from './command.ts';
import { wordsFor } from './failure-words.ts';
import { formatBytes } from './progress.ts';

type Fact = readonly [name: string, value: string];

export const infoCommand: ImageCommand = {
  name: 'info',
  synopsis: 'FILE …',
  summary: 'tell format, size of the disk, what of it is in use, and partitions',
  async run(args, io) {
    if (args.length === 0) throw new CommandError('about which file?');
    for (const [at, path] of args.entries()) {
      if (at > 0) await io.write('\n');
      await describe(path, io);
    }
  },
};

async function describe(path: string, io: CommandIo): Promise<void> {
  const show = async (facts: readonly Fact[]): Promise<void> => {
    for (const [name, value] of facts) await io.write(`${`${name}:`.padEnd(NAME_WIDTH)}${value}\n`);
  };
  try {
    const source = new FileSource(path);
    try {
      await show([
        ['file', path],
        ['file size', size(source.size)],
      ]);
      await show(await factsOf(source, io));
    } finally {
      source.close();
    }
  } catch (failure) {
    throw new Error(`${path}: ${wordsFor(failure)}`);
  }
}
const NAME_WIDTH = 12;

async function factsOf(source: FileSource, io: CommandIo): Promise<Fact[]> {
  const identity = await identifySource(source);
  if (identity.format === 'foreign')
    throw new ImageError('unknown', `this is ${identity.text}: ${identity.advice}`);
  if (identity.format === 'xz') return xzFacts(source, io);
  if (isStreamFormat(identity.format)) {
    return [
      ['format', identity.text],
      ['disk size', 'not told in front; "convert" unpacks the file'],
    ];
  }
  return imageFacts(await openImage(source), io);
}

async function xzFacts(source: FileSource, io: CommandIo): Promise<Fact[]> {
  const blocks = await readXzIndex(source);
  const facts: Fact[] = [['xz blocks', blocksText(blocks)]];
  try {
    return [...facts, ...(await imageFacts(await openImage(source), io))];
  } catch (failure) {
    if (!(failure instanceof ImageError) || failure.kind !== 'too-large') throw failure;
    const total = blocks.reduce((sum, { length }) => sum + length, 0);
    return [['format', 'xz-compressed'], ['disk size', size(total)], ...facts];
  }
}

function blocksText(blocks: readonly XzBlock[]): string {
  const largest = blocks.reduce((most, { length }) => Math.max(most, length), 0);
  return `${blocks.length}, of up to ${formatBytes(largest)}`;
}

async function imageFacts(image: ImageReader, io: CommandIo): Promise<Fact[]> {
  let used = 0;
  for await (const { length } of image.ranges()) used += length;
  const facts: Fact[] = [
    ['format', image.format],
    ['disk size', size(image.size)],
    ['in use', size(used)],
  ];
  return [...facts, ...(await partitionFacts(new ImageStore(image), io))];
}

async function partitionFacts(store: BlockStore, io: CommandIo): Promise<Fact[]> {
  const nowMs = () => io.nowMs();
  const { scheme, partitions } = await readDiskLayout(store);
  if (scheme === 'none') return [['contents', await contentsOf(store, undefined, nowMs)]];
  const facts: Fact[] = [['partitions', `${scheme}, ${partitions.length}`]];
  for (const partition of partitions) {
    const contents = await contentsOf(store, partition, nowMs);
    const parts = [formatBytes(partition.sizeBytes), partition.type, partition.name, contents];
    facts.push([`  ${partition.number}`, parts.filter((part) => part).join(', ')]);
  }
  return facts;
}

async function contentsOf(
  store: BlockStore,
  partition: Partition | undefined,
  nowMs: () => number,
): Promise<string> {
  try {
    const volume = await openVolume(store, { ...(partition && { partition: partition.number }), nowMs });
    return [volume.kind, volume.label].filter((part) => part).join(' ');
  } catch (failure) {
    return `not read here: ${failure instanceof Error ? failure.message : String(failure)}`;
  }
}

function size(bytes: number): string {
  return bytes < 1024 ? formatBytes(bytes) : `${bytes} bytes (${formatBytes(bytes)})`;
}
