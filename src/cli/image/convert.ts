/** `image convert`: an image of any format as a raw file (sparse), raw and gzip-compressed, or qcow2. */
import { availableParallelism } from 'node:os';
import { decodeStream, isStreamFormat } from '../../emu/storage/formats/decode-stream.ts';
import { ImageError } from '../../emu/storage/formats/image-error.ts';
import { identifySource, openImage } from '../../emu/storage/formats/open-image.ts';
import { allocationOf, qcow2FileBytes, writeQcow2 } from '../../emu/storage/formats/qcow2-writer.ts';
import type { ImageReader } from '../../emu/storage/formats/random-access.ts';
import { gzipStream, readPieces, writeRaw } from '../../emu/storage/formats/raw-stream.ts';
import { createNodeXzThreads } from '../../workers/node-xz-threads.ts';
import { FileSource } from '../file-source.ts';
import { CommandError, type CommandIo, type ImageCommand } from './command.ts';
import { wordsFor } from './failure-words.ts';
import { PartFile } from './part-file.ts';
import { formatBytes, Progress } from './progress.ts';

const TARGETS = ['raw', 'raw-gzip', 'qcow2'] as const;
type Target = (typeof TARGETS)[number];

/** The target's format by its name, when none is given. */
const EXTENSIONS: readonly { readonly ending: string; readonly target: Target }[] = [
  { ending: '.qcow2', target: 'qcow2' },
  { ending: '.gz', target: 'raw-gzip' },
];

interface Conversion {
  readonly from: string;
  readonly to: string;
  readonly target: Target;
  readonly force: boolean;
}

export const convertCommand: ImageCommand = {
  name: 'convert',
  synopsis: `[--to ${TARGETS.join('|')}] [--force] IN OUT`,
  summary: 'write an image in another format; the format of OUT follows from its name unless --to tells',
  async run(args, io) {
    const conversion = parseArguments(args);
    const source = openSource(conversion.from);
    try {
      const { format } = await identifySource(source);
      if (isStreamFormat(format)) await convertStream(source, format, conversion, io);
      else await convertImage(await openImage(source), conversion, io);
    } catch (failure) {
      if (!(failure instanceof ImageError)) throw failure;
      throw new Error(`${conversion.from}: ${failure.message}`);
    } finally {
      source.close();
    }
  },
};

function parseArguments(args: readonly string[]): Conversion {
  const files: string[] = [];
  let named: string | undefined;
  let force = false;
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--force') force = true;
    else if (argument === '--to') named = args[++at] ?? '';
    else if (argument.startsWith('--to=')) named = argument.slice('--to='.length);
    else if (argument.startsWith('-')) throw new CommandError(`unknown option ${argument}`);
    else files.push(argument);
  }
  const [from, to, ...more] = files;
  if (from === undefined || to === undefined || more.length > 0)
    throw new CommandError('which file, and to which?');
  const byName = EXTENSIONS.find(({ ending }) => to.endsWith(ending))?.target ?? 'raw';
  const target = named === undefined ? byName : TARGETS.find((format) => format === named);
  if (!target) throw new CommandError(`--to is ${TARGETS.join(' or ')}, not ${named}`);
  return { from, to, target, force };
}

function openSource(path: string): FileSource {
  try {
    return new FileSource(path);
  } catch (failure) {
    throw new Error(`${path}: ${wordsFor(failure)}`);
  }
}

/** A compressed file is decoded once, from start to end. */
async function convertStream(
  source: FileSource,
  format: Parameters<typeof decodeStream>[0],
  conversion: Conversion,
  io: CommandIo,
): Promise<void> {
  const progress = new Progress(io, source.size);
  const threads = createNodeXzThreads(availableParallelism());
  const decoded = decodeStream(format, progress.counting(source.stream()), { xzThreads: threads });
  try {
    await writeDecoded(decoded, conversion, progress, io);
  } finally {
    threads.close();
  }
}

async function writeDecoded(
  decoded: AsyncIterable<Uint8Array>,
  conversion: Conversion,
  progress: Progress,
  io: CommandIo,
): Promise<void> {
  if (conversion.target === 'raw-gzip') {
    const chunks = gzipStream(ownChunks(decoded));
    return writeWhole(conversion, progress, async (part) => {
      for await (const chunk of chunks) part.append(chunk);
    });
  }
  if (conversion.target === 'raw') {
    return writeWhole(conversion, progress, async (part) => {
      for await (const chunk of decoded) part.append(chunk);
    });
  }
  // What is in use has to be known before a qcow2 file is begun: the disk is laid aside, sparse, first.
  const aside = new PartFile(conversion.to, { ...conversion, suffix: '.raw.part' });
  try {
    for await (const chunk of decoded) aside.append(chunk);
    aside.sync();
    const unpacked = openSource(aside.path);
    try {
      await convertImage(await openImage(unpacked), conversion, io);
    } finally {
      unpacked.close();
    }
  } finally {
    aside.discard();
  }
}

async function convertImage(image: ImageReader, conversion: Conversion, io: CommandIo): Promise<void> {
  if (conversion.target === 'qcow2') {
    const finding = new Progress(io, image.size, 'looking for what is in use: ');
    const map = await allocationOf(finding.watching(image));
    finding.end();
    const progress = new Progress(io, qcow2FileBytes(map));
    return writeWhole(conversion, progress, async (part) => {
      for await (const chunk of progress.counting(writeQcow2(image, map))) part.append(chunk);
    });
  }
  const progress = new Progress(io, image.size);
  return writeWhole(conversion, progress, async (part) => {
    if (conversion.target === 'raw-gzip') {
      for await (const chunk of gzipStream(progress.counting(writeRaw(image)))) part.append(chunk);
      return;
    }
    for await (const { length, bytes } of readPieces(image)) {
      if (bytes) part.append(bytes);
      else part.appendZeros(length);
      progress.add(length);
    }
  });
}

async function writeWhole(
  conversion: Conversion,
  progress: Progress,
  work: (part: PartFile) => Promise<void>,
): Promise<void> {
  const part = new PartFile(conversion.to, conversion);
  try {
    await work(part);
    part.finish();
    progress.end(`${conversion.to}: ${conversion.target}, ${formatBytes(part.size)}`);
  } catch (failure) {
    progress.end();
    part.discard();
    throw failure;
  }
}

/** The compressor wants chunks that are nobody else's memory. */
async function* ownChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of source)
    yield chunk.buffer instanceof ArrayBuffer ? (chunk as Uint8Array<ArrayBuffer>) : chunk.slice();
}
