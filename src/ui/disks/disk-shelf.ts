/**
 * The user's disks as the page sees them: the library's list kept up to date, jobs under way, and what went
 * wrong last. Every action ends in new state, never in a rejection; without storage the shelf is
 * `unavailable` and everything else of the page goes on.
 */
import type {
  DiskInfo,
  DiskLibrary,
  ExportFormat,
  ImportOptions,
  StorageMeter,
  UnfinishedImport,
} from '../../embed/disk-library.ts';
import type { BootMemory } from './boot-memory.ts';
import { DiskJob, type DiskJobFacts, type JobHandles } from './disk-job.ts';
import { type DiskProblem, diskProblem, isForWhole, STAGES } from './disk-words.ts';
import type { FileTarget } from './save-stream.ts';

export type OpenDiskLibrary = () => Promise<DiskLibrary>;
export type ShelfState = 'opening' | 'open' | 'unavailable';
export type ImportRequest = Omit<ImportOptions, 'signal' | 'onProgress'>;

export class DiskShelf {
  readonly boots: BootMemory;
  readonly #openLibrary: OpenDiskLibrary;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<() => void>();
  #library: DiskLibrary | undefined;
  #opened: Promise<void> | undefined;
  #state: ShelfState = 'opening';
  #disks: readonly DiskInfo[] = [];
  #unfinished: readonly UnfinishedImport[] = [];
  #meter: StorageMeter | undefined;
  #jobs: readonly DiskJob[] = [];
  #problem: DiskProblem | undefined;
  #announcement = '';

  constructor(openLibrary: OpenDiskLibrary, boots: BootMemory, nowMs: () => number) {
    this.#openLibrary = openLibrary;
    this.boots = boots;
    this.#nowMs = nowMs;
  }

  get state(): ShelfState {
    return this.#state;
  }
  get disks(): readonly DiskInfo[] {
    return this.#disks;
  }
  /** Those that can be taken up again; not those that are under way here, or that failed and can be tried again. */
  get unfinished(): readonly UnfinishedImport[] {
    const shown = this.#jobs.filter((job) => job.kind === 'import' && (!job.problem || job.again));
    return this.#unfinished.filter(({ name }) => !shown.some((job) => job.name === name));
  }
  get meter(): StorageMeter | undefined {
    return this.#meter;
  }
  get jobs(): readonly DiskJob[] {
    return this.#jobs;
  }
  /** Why the last short action failed. */
  get problem(): DiskProblem | undefined {
    return this.#problem;
  }
  /** What a screen reader hears: stages and ends, not percents. */
  get announcement(): string {
    return this.#announcement;
  }
  /** Whether closing the tab would cut something off. */
  get isBusy(): boolean {
    return this.#jobs.some((job) => !job.problem);
  }

  diskById(id: string): DiskInfo | undefined {
    return this.#disks.find((disk) => disk.id === id);
  }

  /** Opens the library once; later calls wait for the same. */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Opens the library once more, after it could not be opened. */
  retry(): Promise<void> {
    this.#opened = undefined;
    this.#change(() => {
      this.#state = 'opening';
      this.#problem = undefined;
    });
    return this.open();
  }

  /** Reads everything again, because other tabs change it too. */
  async refresh(): Promise<void> {
    const library = this.#library;
    if (library === undefined) return;
    try {
      const [disks, unfinished, meter] = await Promise.all([
        library.list(),
        library.unfinishedImports(),
        library.meter(),
      ]);
      this.#change(() => {
        this.#disks = [...disks].sort(byLastUse);
        this.#unfinished = unfinished;
        this.#meter = meter;
      });
    } catch (error) {
      this.#change(() => (this.#problem = diskProblem(error)));
    }
  }

  async import(request: ImportRequest): Promise<DiskInfo | undefined> {
    const again = (problem: DiskProblem | undefined): void => {
      const { onDemand: _, ...whole } = request;
      // What cannot be read in parts cannot be the next time.
      void this.#takeUpOrImport(problem && isForWhole(problem) ? whole : request);
    };
    return this.#importJob(request, again, (library, handles) => library.import({ ...request, ...handles }));
  }

  /** `file` again where the import came from one: pages may not keep it. */
  async resume({ id, name }: UnfinishedImport, file?: Blob): Promise<DiskInfo | undefined> {
    const again = (): void => {
      const left = this.#unfinished.find((one) => one.id === id);
      if (left) void this.resume(left, file);
    };
    const source = file === undefined ? {} : { file };
    return this.#importJob({ name }, again, (library, handles) =>
      library.resumeImport(id, { ...handles, ...source }),
    );
  }

  /** Writes the image to `target` as it comes; resolves with whether all of it was written. */
  async export(disk: DiskInfo, format: ExportFormat, target: FileTarget): Promise<boolean> {
    const done = await this.#job({ kind: 'export', name: disk.name }, undefined, async (library, handles) => {
      const { stream } = await library.export(disk.id, format, handles);
      await target.write(stream, handles.signal);
      return true;
    });
    if (done) this.#announce(`${disk.name} is exported.`);
    return done ?? false;
  }

  /** A short action: its failure becomes `problem`. Resolves with undefined when it failed. */
  async act<T>(action: (library: DiskLibrary) => Promise<T>): Promise<T | undefined> {
    if (this.#library === undefined) return undefined;
    this.#change(() => (this.#problem = undefined));
    try {
      const result = await action(this.#library);
      await this.refresh();
      return result;
    } catch (error) {
      this.#change(() => (this.#problem = diskProblem(error)));
      return undefined;
    }
  }

  dismissProblem(): void {
    this.#change(() => (this.#problem = undefined));
  }

  dismissJob(job: DiskJob): void {
    this.#change(() => (this.#jobs = this.#jobs.filter((one) => one !== job)));
  }

  /** Calls `listener` after every change of what there is to draw. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #open(): Promise<void> {
    try {
      const library = await this.#openLibrary();
      const meter = await library.meter();
      if (!meter.isAvailable) return this.#change(() => (this.#state = 'unavailable'));
      this.#library = library;
      library.onChange(() => void this.refresh());
      await this.refresh();
      this.#change(() => (this.#state = 'open'));
    } catch (error) {
      this.#change(() => {
        this.#state = 'unavailable';
        const problem = diskProblem(error);
        // A browser without storage is no fault; anything else is worth a word.
        this.#problem = problem.kind === 'unavailable' ? undefined : problem;
      });
    }
  }

  async #takeUpOrImport(request: ImportRequest): Promise<void> {
    const left = this.#unfinished.find(({ name }) => name === request.name);
    const file = request.source instanceof Blob ? request.source : undefined;
    await (left ? this.resume(left, file) : this.import(request));
  }

  async #importJob(
    { name, onDemand }: Pick<ImportRequest, 'name' | 'onDemand'>,
    again: (problem: DiskProblem | undefined) => void,
    work: (library: DiskLibrary, handles: JobHandles) => Promise<DiskInfo>,
  ): Promise<DiskInfo | undefined> {
    const about = { kind: 'import', name, isOnDemand: onDemand ?? false } as const;
    const disk = await this.#job(about, again, work);
    if (disk) this.#announce(`${name} is imported.`);
    return disk;
  }

  async #job<T>(
    about: DiskJobFacts,
    again: ((problem: DiskProblem | undefined) => void) | undefined,
    work: (library: DiskLibrary, handles: JobHandles) => Promise<T>,
  ): Promise<T | undefined> {
    await this.open();
    const library = this.#library;
    if (library === undefined) return undefined;
    const job: DiskJob = new DiskJob(about, {
      nowMs: this.#nowMs,
      changed: () => this.#jobChanged(job),
      ...(again && {
        again: () => {
          this.dismissJob(job);
          again(job.problem);
        },
      }),
    });
    this.#change(() => (this.#jobs = [...this.#jobs, job]));
    const result = await job.run((handles) => work(library, handles));
    if (!job.problem) this.dismissJob(job);
    await this.refresh();
    return result;
  }

  #jobChanged(job: DiskJob): void {
    // A failed job is an alert by itself.
    if (job.stage !== undefined && !job.problem) this.#announcement = `${STAGES[job.stage]} ${job.name}.`;
    this.#change(() => {});
  }

  #announce(text: string): void {
    this.#change(() => (this.#announcement = text));
  }

  #change(edit: () => void): void {
    edit();
    for (const listener of this.#listeners) listener();
  }
}

/** What was used last is what will be used next. */
function byLastUse(a: DiskInfo, b: DiskInfo): number {
  return (b.lastUsedMs ?? b.createdMs) - (a.lastUsedMs ?? a.createdMs);
}
