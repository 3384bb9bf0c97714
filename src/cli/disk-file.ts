/**
 * The disks of a machine on the command line: image files of any format that can be read in any order. A guest
 * writes to raw images only; others are read-only, or lie below writes that are kept in memory.
 */
import type { BlockStore } from '../emu/storage/block-store.ts';
import { isStreamFormat } from '../emu/storage/formats/decode-stream.ts';
import { ImageStore } from '../emu/storage/formats/image-store.ts';
import { identifySource, openImage } from '../emu/storage/formats/open-image.ts';
import { MemoryStore } from '../emu/storage/memory-store.ts';
import { FileSource } from './file-source.ts';
import { FileStore } from './file-store.ts';
import type { DiskFile } from './options.ts';

export interface OpenDisk {
  readonly store: BlockStore;
  /** Makes what was written durable, and closes the file. */
  close(): Promise<void>;
}

/** @throws {Error} in words, with the disk's name */
export async function openDisk(disk: DiskFile): Promise<OpenDisk> {
  try {
    return (await isRaw(disk.path)) ? openRaw(disk) : await openFormat(disk);
  } catch (failure) {
    throw new Error(`disk ${disk.path}: ${failure instanceof Error ? failure.message : String(failure)}`);
  }
}

/** Whether the file holds the disk's bytes as they are. @throws {Error} when it cannot be read */
export async function isRaw(path: string): Promise<boolean> {
  const source = new FileSource(path);
  try {
    return source.size === 0 || (await identifySource(source)).format === 'raw';
  } finally {
    source.close();
  }
}

function openRaw({ path, mode }: DiskFile): OpenDisk {
  const file = new FileStore(path, mode !== 'write');
  return {
    store: mode === 'snapshot' ? new MemoryStore(file) : file,
    async close() {
      file.flush();
      file.close();
    },
  };
}

async function openFormat({ path, mode }: DiskFile): Promise<OpenDisk> {
  const source = new FileSource(path);
  try {
    const { format } = await identifySource(source);
    if (isStreamFormat(format) && format !== 'xz') {
      throw new Error(`it is compressed; unpack it: npm run --silent image -- convert ${path} disk.img`);
    }
    const image = await openImage(source);
    if (mode === 'write') {
      throw new Error(
        `its format is ${image.format}, and guests write to raw images only; add ,snapshot (writes are forgotten) or ,readonly, or convert it: npm run --silent image -- convert ${path} disk.img`,
      );
    }
    const store = new ImageStore(image);
    return {
      store: mode === 'snapshot' ? new MemoryStore(store) : store,
      close: async () => source.close(),
    };
  } catch (failure) {
    source.close();
    throw failure;
  }
}
