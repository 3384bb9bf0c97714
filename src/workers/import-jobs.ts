/**
 * What a page asks about imports: to begin one, from a file or an address or on demand, to go on with one that was cut
 * off, to drop it. Progress goes out through a port while it lasts, and a word to cancel comes in.
 */
import type { ChunkCache } from '../emu/storage/chunk-cache.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import type { ChunkPorts } from '../emu/storage/layer-chunks.ts';
import { type ImportPorts, importImage, resumeImport } from './disk-import.ts';
import type { ImportWatch } from './image-intake.ts';
import { discardImport } from './import-layers.ts';
import { IMPORT, type ImportRecord, importKey } from './import-record.ts';
import { fileSource, type ImportSource, type UrlContext, urlSource } from './import-source.ts';
import { importOnDemand } from './remote-layer.ts';
import type { ImportCall, JobMessage, JobRequest, PendingImport } from './storage-protocol.ts';

/** Progress is told no more often. */
const PROGRESS_MS = 100;

export interface JobPorts extends ImportPorts {
  readonly network: Omit<UrlContext, 'signal'>;
  /** Of what is looked at while an image is brought in on demand. */
  readonly cache: ChunkCache;
}

interface KeptImports extends ChunkPorts {
  readonly locks: DiskLocks;
}

/** An import that goes on in another thread holds its lock, and is no unfinished one. */
export async function unfinishedImports({ records, locks }: KeptImports): Promise<PendingImport[]> {
  const [imports, written] = await Promise.all([records.valuesBelow([IMPORT]), locks.written()]);
  return (imports as ImportRecord[])
    .filter(({ id }) => !written.has(id))
    .sort((a, b) => b.startedMs - a.startedMs)
    .map(({ id, name, origin, readBytes, identity: { sizeBytes } }) => ({
      ...{ id, name, origin, doneBytes: readBytes },
      ...(sizeBytes !== undefined && { totalBytes: sizeBytes }),
    }));
}

export async function bringIn(call: ImportCall, ports: JobPorts, watch: ImportWatch): Promise<string> {
  if (call.onDemand) return importOnDemand(remoteOf(call), ports);
  return importImage(call, await sourceOf(call, 0, ports.network, watch.signal), ports, watch);
}

/** @param file picked again, where the import had one */
export async function goOn(
  id: string,
  file: Blob | undefined,
  ports: JobPorts,
  watch: ImportWatch,
): Promise<string> {
  const record = await findImport(ports, id);
  const call = { ...record, ...(file && { file }) };
  const source = await sourceOf(call, record.sum?.lengthBytes ?? 0, ports.network, watch.signal);
  return resumeImport(record, source, ports, watch);
}

export async function dropImport(id: string, ports: KeptImports): Promise<void> {
  const release = await ports.locks.tryHold(id, 'write');
  if (!release) throw new DiskError('in-use', 'That import is going on, here or in another tab.');
  try {
    await discardImport(await findImport(ports, id), ports);
  } finally {
    release();
  }
}

/** Something long that can be watched and cancelled through a port. */
export async function watched<T>(
  port: MessagePort,
  nowMs: () => number,
  work: (watch: ImportWatch) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  port.onmessage = ({ data }: MessageEvent<JobRequest>) => {
    if (data.kind === 'cancel') abort.abort();
  };
  let toldMs = 0;
  const watch: ImportWatch = {
    signal: abort.signal,
    progress(progress) {
      if (nowMs() - toldMs < PROGRESS_MS) return;
      toldMs = nowMs();
      port.postMessage({ kind: 'progress', progress } satisfies JobMessage);
    },
  };
  try {
    return await work(watch);
  } finally {
    port.close();
  }
}

async function sourceOf(
  { origin, file }: Pick<ImportCall, 'origin' | 'file'>,
  offset: number,
  network: JobPorts['network'],
  signal: AbortSignal,
): Promise<ImportSource> {
  if (file) return fileSource(file, signal);
  if (origin.kind !== 'url') throw new DiskError('not-found', 'Pick the file again to go on importing it.');
  return urlSource(origin.url, offset, { ...network, signal });
}

/** What can be done only as a whole, or only with a server, is refused. */
function remoteOf({ name, origin, expectedSha256, diskBytes }: ImportCall) {
  if (origin.kind !== 'url')
    throw new DiskError('no-ranges', 'Only images on a server are fetched on demand.');
  if (expectedSha256 !== undefined) {
    throw new DiskError('wrong-checksum', 'The sum of a file that is fetched on demand cannot be checked.');
  }
  return { name, url: origin.url, ...(diskBytes !== undefined && { diskBytes }) };
}

async function findImport({ records }: Pick<KeptImports, 'records'>, id: string): Promise<ImportRecord> {
  const [record] = await records.getMany([importKey(id)]);
  if (record) return record as ImportRecord;
  throw new DiskError('not-found', 'That import is no longer there: it was finished or discarded.');
}
