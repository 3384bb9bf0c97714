/**
 * A disk library in memory, for the tests and screenshots of the page: it keeps the interface's promises
 * about names, sizes and sharing, and can be slow, full, absent or fail in every documented way.
 * `?fakeDisks=some,slow,fail:quota` selects it in development builds; no production build contains it.
 */
import type { DiskFiles } from '../../embed/disk-files.ts';
import {
  DiskError,
  type DiskErrorKind,
  type DiskInfo,
  type DiskLibrary,
  type DiskOrigin,
  type DiskProgress,
  type ExportFormat,
  type ImportOptions,
  type ResumeOptions,
  type StorageMeter,
  type UnfinishedImport,
} from '../../embed/disk-library.ts';
import { FakeDiskFiles } from './fake-disk-files.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DAY_MS = 86_400_000;
const IMPORT_STEPS = 20;
const STEP_MS = { quick: 5, slow: 400 } as const;
const FAKE_IMAGE_BYTES = 640 * MIB;
const EXPORT_CHUNK_BYTES = MIB;
const EXPORT_CHUNKS = 8;
const QUOTA_BYTES = 60 * GIB;

type Job = Pick<ImportOptions, 'signal' | 'onProgress'>;

const SHA256 = '858a488b7c361d98ecc9ab9f76ec848e95204316d0d552a12007b00a57763324';

const DEBIAN: DiskInfo = {
  id: 'debian',
  name: 'Debian bookworm',
  sizeBytes: 4 * GIB,
  ownBytes: 212 * MIB,
  sharedBytes: 611 * MIB,
  origin: { kind: 'url', url: 'https://images.example/debian-arm64.img.xz' },
  format: 'raw, xz-compressed',
  sharesBaseWith: ['Debian, with gcc'],
  changedBytes: 212 * MIB,
  sinceImportBytes: 212 * MIB,
  sha256: SHA256,
  createdMs: Date.now() - 9 * DAY_MS,
  lastUsedMs: Date.now() - 3 * 60_000,
  inUse: 'no',
};

const SOME: readonly DiskInfo[] = [
  DEBIAN,
  {
    ...DEBIAN,
    id: 'gcc',
    name: 'Debian, with gcc',
    ownBytes: 480 * MIB,
    changedBytes: 480 * MIB,
    sinceImportBytes: 480 * MIB,
    origin: { kind: 'clone', ofName: 'Debian bookworm' },
    sharesBaseWith: ['Debian bookworm'],
    lastUsedMs: Date.now() - DAY_MS,
    inUse: 'other-tab',
  },
  {
    id: 'pi',
    name: 'raspios-lite',
    sizeBytes: 8 * GIB,
    ownBytes: 1.9 * GIB,
    sharedBytes: 0,
    origin: { kind: 'file', fileName: 'raspios-lite-arm64.qcow2' },
    format: 'qcow2 version 3',
    sharesBaseWith: [],
    changedBytes: 0,
    sinceImportBytes: 0,
    sha256: SHA256,
    createdMs: Date.now() - 40 * DAY_MS,
    inUse: 'no',
  },
  {
    id: 'scratch',
    name: 'scratch',
    sizeBytes: 1 * GIB,
    ownBytes: 0,
    sharedBytes: 0,
    origin: { kind: 'empty' },
    sharesBaseWith: [],
    changedBytes: 0,
    sinceImportBytes: 0,
    createdMs: Date.now() - 20 * DAY_MS,
    inUse: 'no',
  },
];

const CUT_OFF: readonly UnfinishedImport[] = [
  {
    id: 'cut-off',
    name: 'ubuntu-arm64',
    origin: { kind: 'url', url: 'https://images.example/ubuntu-arm64.img.xz' },
    doneBytes: 310 * MIB,
    totalBytes: 900 * MIB,
  },
  {
    id: 'cut-off-file',
    name: 'my-card',
    origin: { kind: 'file', fileName: 'my-card.img.gz' },
    doneBytes: 20 * MIB,
    totalBytes: 90 * MIB,
  },
];

/** The words that `?fakeDisks=` takes, separated by commas; `fail:KIND` besides. */
export interface FakeLibraryOptions {
  readonly some: boolean;
  readonly cutOff: boolean;
  readonly slow: boolean;
  readonly full: boolean;
  readonly absent: boolean;
  readonly persistent: boolean;
  /** What every change rejects with. */
  readonly failure: DiskErrorKind | undefined;
}

const FAILURES: Readonly<Record<DiskErrorKind, string>> = {
  'bad-image': 'The file ends in the middle of its image: 4,194,304 bytes are missing.',
  'wrong-checksum': 'The file’s SHA-256 is ab12…, and 858a… was expected.',
  network: 'The connection was lost after 310 MiB.',
  'cross-origin':
    'images.example does not let other sites read this file. Download it with the browser and import that.',
  'no-ranges': 'images.example answers only with the whole file.',
  quota: 'The browser has no room left for this site: 60 GiB are in use.',
  'in-use': 'Another tab writes to this disk.',
  'not-found': 'There is no such disk any more.',
  'file-system': '/boot needs 4096 bytes, and 0 are free.',
  unavailable: 'This browser keeps nothing for this page.',
  cancelled: 'Cancelled.',
  io: 'The browser could not write to its storage.',
};

export function parseFakeDisks(words: string): FakeLibraryOptions {
  const list = words.split(',');
  const failure = list.find((word) => word.startsWith('fail:'))?.slice('fail:'.length);
  return {
    some: list.includes('some'),
    cutOff: list.includes('cut-off'),
    slow: list.includes('slow'),
    full: list.includes('full'),
    absent: list.includes('absent'),
    persistent: list.includes('persistent'),
    failure: failure !== undefined && failure in FAILURES ? (failure as DiskErrorKind) : undefined,
  };
}

export class FakeDiskLibrary implements DiskLibrary {
  readonly #options: FakeLibraryOptions;
  readonly #listeners = new Set<() => void>();
  #disks: DiskInfo[];
  #cutOff: UnfinishedImport[];
  #isPersistent = false;
  #count = 0;

  constructor(options: FakeLibraryOptions) {
    this.#options = options;
    this.#disks = options.some ? [...SOME] : [];
    this.#cutOff = options.cutOff ? [...CUT_OFF] : [];
  }

  async list(): Promise<readonly DiskInfo[]> {
    return this.#disks;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async import(options: ImportOptions): Promise<DiskInfo> {
    const { source } = options;
    const origin: DiskOrigin =
      typeof source === 'string'
        ? { kind: 'url', url: source }
        : { kind: 'file', fileName: source instanceof File ? source.name : 'file' };
    const totalBytes = typeof source === 'string' ? FAKE_IMAGE_BYTES : source.size;
    for (const stage of ['fetch', 'store', 'verify'] as const)
      await this.#play(stage, 0, totalBytes, options);
    return this.#add({
      name: options.name,
      sizeBytes: options.sizeBytes ?? totalBytes,
      ownBytes: totalBytes,
      origin,
      format: 'raw',
      sha256: options.sha256 ?? SHA256,
    });
  }

  async unfinishedImports(): Promise<readonly UnfinishedImport[]> {
    return this.#cutOff;
  }

  async resumeImport(id: string, options: ResumeOptions): Promise<DiskInfo> {
    const unfinished = this.#cutOff.find((one) => one.id === id);
    if (unfinished === undefined) throw new DiskError('not-found', FAILURES['not-found']);
    const { name, origin, doneBytes, totalBytes = FAKE_IMAGE_BYTES } = unfinished;
    if (origin.kind === 'file' && options.file === undefined)
      throw new DiskError('not-found', `Choose ${origin.fileName} again.`);
    await this.#play('fetch', doneBytes, totalBytes, options);
    this.#cutOff = this.#cutOff.filter((one) => one !== unfinished);
    return this.#add({ name, origin, sizeBytes: totalBytes, ownBytes: totalBytes, format: 'raw' });
  }

  async discardImport(id: string): Promise<void> {
    this.#mayFail();
    this.#cutOff = this.#cutOff.filter((one) => one.id !== id);
    this.#changed();
  }

  async createEmpty({ name, sizeBytes }: { name: string; sizeBytes: number }): Promise<DiskInfo> {
    this.#mayFail();
    return this.#add({ name, sizeBytes, ownBytes: 0, origin: { kind: 'empty' } });
  }

  async clone(id: string, name: string): Promise<DiskInfo> {
    this.#mayFail();
    const { lastUsedMs: _, ...original } = this.#find(id);
    const sharedBytes = original.sharedBytes + original.ownBytes;
    this.#edit(id, { ownBytes: 0, sharedBytes, sharesBaseWith: [...original.sharesBaseWith, name] });
    return this.#add({
      ...original,
      name,
      ownBytes: 0,
      sharedBytes,
      changedBytes: 0,
      sinceImportBytes: 0,
      origin: { kind: 'clone', ofName: original.name },
      // At the same millisecond it would not be the newer one.
      createdMs: Math.max(Date.now(), original.createdMs + 1),
      sharesBaseWith: [...original.sharesBaseWith, original.name],
      inUse: 'no',
    });
  }

  async rename(id: string, name: string): Promise<void> {
    this.#mayFail();
    this.#edit(id, { name });
  }

  async resize(id: string, sizeBytes: number): Promise<void> {
    this.#mayFail();
    this.#edit(id, { sizeBytes });
  }

  async reset(id: string): Promise<void> {
    this.#mayFail();
    const { ownBytes, changedBytes } = this.#find(id);
    this.#edit(id, { changedBytes: 0, sinceImportBytes: 0, ownBytes: Math.max(0, ownBytes - changedBytes) });
  }

  async delete(id: string): Promise<void> {
    this.#mayFail();
    const { name } = this.#find(id);
    this.#disks = this.#disks
      .filter((disk) => disk.id !== id)
      .map((disk) => ({ ...disk, sharesBaseWith: disk.sharesBaseWith.filter((other) => other !== name) }));
    this.#changed();
  }

  async export(id: string, format: ExportFormat, options: Job = {}) {
    this.#mayFail();
    const { name } = this.#find(id);
    const library = this;
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent === EXPORT_CHUNKS) return controller.close();
        await library.#pause();
        if (options.signal?.aborted) throw new DiskError('cancelled', FAILURES.cancelled);
        sent += 1;
        controller.enqueue(new Uint8Array(EXPORT_CHUNK_BYTES).fill(sent));
        options.onProgress?.({
          stage: 'export',
          doneBytes: sent * EXPORT_CHUNK_BYTES,
          totalBytes: EXPORT_CHUNKS * EXPORT_CHUNK_BYTES,
        });
      },
    });
    return { fileName: `${name}.${format}`, stream };
  }

  files(id: string): DiskFiles {
    const { inUse, origin } = this.#find(id);
    return new FakeDiskFiles({ isBlank: origin.kind === 'empty', mayFail: () => this.#mayFail(inUse) });
  }

  async meter(): Promise<StorageMeter> {
    const usedBytes = this.#disks.reduce((sum, { ownBytes }) => sum + ownBytes, 0);
    return {
      usedBytes: this.#options.full ? QUOTA_BYTES * 0.97 : usedBytes,
      quotaBytes: QUOTA_BYTES,
      isPersistent: this.#isPersistent,
      isAvailable: !this.#options.absent,
    };
  }

  async requestPersistence(): Promise<boolean> {
    this.#isPersistent = this.#options.persistent;
    return this.#isPersistent;
  }

  async #play(stage: DiskProgress['stage'], fromBytes: number, totalBytes: number, job: Job): Promise<void> {
    for (let step = 1; step <= IMPORT_STEPS; step++) {
      await this.#pause();
      if (job.signal?.aborted) throw new DiskError('cancelled', FAILURES.cancelled);
      if (step === IMPORT_STEPS / 2) this.#mayFail();
      const doneBytes = fromBytes + Math.round(((totalBytes - fromBytes) * step) / IMPORT_STEPS);
      job.onProgress?.({ stage, doneBytes, totalBytes });
    }
  }

  #pause(): Promise<void> {
    const ms = this.#options.slow ? STEP_MS.slow : STEP_MS.quick;
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  #mayFail(inUse: DiskInfo['inUse'] = 'no'): void {
    const kind = this.#options.failure ?? (inUse === 'no' ? undefined : 'in-use');
    if (kind !== undefined) throw new DiskError(kind, FAILURES[kind]);
  }

  #find(id: string): DiskInfo {
    const disk = this.#disks.find((one) => one.id === id);
    if (disk === undefined) throw new DiskError('not-found', FAILURES['not-found']);
    return disk;
  }

  #add(disk: Pick<DiskInfo, 'name' | 'sizeBytes' | 'ownBytes' | 'origin'> & Partial<DiskInfo>): DiskInfo {
    this.#count += 1;
    const added: DiskInfo = {
      sharedBytes: 0,
      sharesBaseWith: [],
      changedBytes: 0,
      sinceImportBytes: 0,
      createdMs: Date.now(),
      inUse: 'no',
      ...disk,
      id: `new-${this.#count}`,
    };
    this.#disks = [...this.#disks, added];
    this.#changed();
    return added;
  }

  #edit(id: string, part: Partial<DiskInfo>): void {
    this.#find(id);
    this.#disks = this.#disks.map((disk) => (disk.id === id ? { ...disk, ...part } : disk));
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
