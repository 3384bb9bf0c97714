/**
 * What the user asks for before a boot: a guest of the catalogue, files that replace or extend it, and
 * options. The URL's query carries the same under the names of the command line, so that a link can be
 * shared; it holds only what differs from the defaults, and never a local file.
 */
import type { ByteSource, CpuName, DiskOptions, EngineMode, MachineOptions } from '../../embed/api.ts';
import { type Catalog, defaultGuest, fileOf, type Guest, type GuestFileRole } from './guest-catalog.ts';

export type FileRole = GuestFileRole;

/** A file picked or dropped by the user, or an address. */
export type SourceChoice = File | string;

/** A disk of the library; `snapshot` drops what the guest writes. */
export interface LibraryDisk {
  readonly library: string;
  readonly mode: 'write' | 'snapshot';
}

export type DiskChoice = SourceChoice | LibraryDisk;

export interface LaunchOptions {
  /** Name in the catalogue; absent means the default guest, unless there is a kernel. */
  readonly guest?: string;
  readonly kernel?: SourceChoice;
  readonly initrd?: SourceChoice;
  readonly dtb?: SourceChoice;
  /** The first disk: stands in for the one that the guest brings, if it brings one. */
  readonly rootDisk?: LibraryDisk;
  readonly disks: readonly DiskChoice[];
  readonly memoryMiB?: number;
  readonly commandLine?: string;
  /** Absent: the one that has everything. */
  readonly cpu?: CpuName;
  readonly engine: EngineMode;
  readonly autostart: boolean;
}

export const MEMORY_MIB = { smallest: 32, largest: 3072, normal: 512 } as const;
/** CPUs that the guest can be shown, the usual one first. */
const CPU_TITLES = {
  max: 'Everything Bramble implements',
  'cortex-a53': 'Cortex-A53, as in the Raspberry Pi 3',
  'cortex-a72': 'Cortex-A72',
  'cortex-a76': 'Cortex-A76',
} as const satisfies Record<CpuName, string>;
export const USUAL_CPU: CpuName = 'max';
export const CPUS = Object.entries(CPU_TITLES) as readonly [CpuName, string][];
const CPU_NAMES = CPUS.map(([name]) => name);
export const ENGINE_MODES: readonly EngineMode[] = ['normal', 'interpret', 'translate'];
/** Guest name for starting from nothing but one's own files; no guest has it. */
export const NO_GUEST = 'none';
export const NO_OPTIONS: LaunchOptions = { disks: [], engine: 'normal', autostart: false };

export interface ParsedQuery {
  readonly options: LaunchOptions;
  /** Parameters that were left out, in words for the user. */
  readonly problems: readonly string[];
}

/** Reads a page's query. Bad values are left out and told. */
export function parseQuery(query: URLSearchParams): ParsedQuery {
  const problems: string[] = [];
  const engine = ENGINE_MODES.find((mode) => mode === query.get('engine'));
  if (query.has('engine') && engine === undefined) {
    problems.push(`engine=${query.get('engine')} is not one of ${ENGINE_MODES.join(', ')}.`);
  }
  const cpu = CPU_NAMES.find((name) => name === query.get('cpu'));
  if (query.has('cpu') && cpu === undefined) {
    problems.push(`cpu=${query.get('cpu')} is not one of ${CPU_NAMES.join(', ')}.`);
  }
  const memoryMiB = query.has('memory') ? Number(query.get('memory')) : undefined;
  const memoryFits = memoryMiB === undefined || isMemorySize(memoryMiB);
  if (!memoryFits) {
    problems.push(
      `memory=${query.get('memory')} is not a whole number of MiB from ${MEMORY_MIB.smallest} to ${MEMORY_MIB.largest}.`,
    );
  }
  for (const [name, only] of [
    ['machine', 'virt'],
    ['cpus', '1'],
  ] as const) {
    const asked = query.get(name);
    if (asked !== null && asked !== only)
      problems.push(`${name}=${asked} is not available; ${only} is used.`);
  }
  const options: LaunchOptions = {
    ...NO_OPTIONS,
    ...present('guest', query.get('guest')),
    ...present('kernel', query.get('kernel')),
    ...present('initrd', query.get('initrd')),
    ...present('dtb', query.get('dtb')),
    ...present('commandLine', query.get('append')),
    ...(memoryFits && memoryMiB !== undefined ? { memoryMiB } : {}),
    ...(cpu === undefined || cpu === USUAL_CPU ? {} : { cpu }),
    ...(engine === undefined ? {} : { engine }),
    ...present('rootDisk', parseLibraryDisk(query.get('root-disk') ?? '')),
    disks: query
      .getAll('disk')
      .filter((text) => text !== '')
      .map((text) => parseLibraryDisk(text) ?? text),
    autostart: query.get('autostart') === '1',
  };
  return { options, problems };
}

/** The query that gives `options` again, as far as a link can: local files are not in it. */
export function toQuery(options: LaunchOptions): URLSearchParams {
  const query = new URLSearchParams();
  const put = (name: string, value: SourceChoice | undefined): void => {
    if (typeof value === 'string') query.append(name, value);
  };
  put('guest', options.guest);
  put('kernel', options.kernel);
  put('initrd', options.initrd);
  put('dtb', options.dtb);
  if (options.rootDisk) query.set('root-disk', libraryDiskText(options.rootDisk));
  for (const disk of options.disks) put('disk', isLibraryDisk(disk) ? libraryDiskText(disk) : disk);
  put('append', options.commandLine);
  if (options.memoryMiB !== undefined) query.set('memory', options.memoryMiB.toString());
  if (options.cpu) query.set('cpu', options.cpu);
  if (options.engine !== NO_OPTIONS.engine) query.set('engine', options.engine);
  if (options.autostart) query.set('autostart', '1');
  return query;
}

export function isLibraryDisk(disk: DiskChoice): disk is LibraryDisk {
  return typeof disk === 'object' && 'library' in disk;
}

const LIBRARY_PREFIX = 'library:';
const SNAPSHOT_SUFFIX = ',snapshot';

/** `library:ID` or `library:ID,snapshot`: a link that works in the browser that has the disk. */
function libraryDiskText({ library, mode }: LibraryDisk): string {
  return `${LIBRARY_PREFIX}${library}${mode === 'snapshot' ? SNAPSHOT_SUFFIX : ''}`;
}

function parseLibraryDisk(text: string): LibraryDisk | undefined {
  if (!text.startsWith(LIBRARY_PREFIX)) return undefined;
  const rest = text.slice(LIBRARY_PREFIX.length);
  return rest.endsWith(SNAPSHOT_SUFFIX)
    ? { library: rest.slice(0, -SNAPSHOT_SUFFIX.length), mode: 'snapshot' }
    : { library: rest, mode: 'write' };
}

/** Every library disk that the options name. */
export function libraryDisks({ rootDisk, disks }: LaunchOptions): readonly LibraryDisk[] {
  return [...(rootDisk ? [rootDisk] : []), ...disks.filter(isLibraryDisk)];
}

/** Whether a link would lose something, because it lies in the user's own files. */
export function hasLocalFiles(options: LaunchOptions): boolean {
  const sources: readonly (DiskChoice | undefined)[] = [
    options.kernel,
    options.initrd,
    options.dtb,
    ...options.disks,
  ];
  return sources.some((source) => source instanceof File);
}

/** Whether the user asked for nothing in particular. */
export function isDefaultLaunch(options: LaunchOptions): boolean {
  const query = toQuery(options);
  query.delete('autostart');
  return query.size === 0 && !hasLocalFiles(options);
}

/** The guest that the options build on; undefined when the user's kernel stands alone. */
export function baseGuest(options: LaunchOptions, catalog: Catalog): Guest | undefined {
  if (options.guest !== undefined) return catalog.guests.find((guest) => guest.name === options.guest);
  return options.kernel === undefined ? defaultGuest(catalog) : undefined;
}

/** What to call the machine on the screen; `diskName` knows the names of the user's disks. */
export function machineTitle(
  options: LaunchOptions,
  catalog: Catalog,
  diskName: (id: string) => string | undefined = () => undefined,
): string {
  const rootName = options.rootDisk && diskName(options.rootDisk.library);
  if (rootName !== undefined) return rootName;
  const guest = baseGuest(options, catalog);
  if (guest !== undefined) return guest.title;
  const kernel = options.kernel;
  if (kernel instanceof File) return kernel.name;
  return kernel?.split('/').at(-1) || 'Machine';
}

/** Options for the library, or undefined when there is nothing to boot. */
export function toMachineOptions(options: LaunchOptions, catalog: Catalog): MachineOptions | undefined {
  const guest = baseGuest(options, catalog);
  const source = (role: 'kernel' | 'initrd' | 'dtb'): ByteSource | undefined =>
    options[role] ?? (guest && fileOf(guest, role)?.url);
  const kernel = source('kernel');
  if (kernel === undefined) return undefined;
  const guestDisks = guest?.files.filter((file) => file.role === 'disk').map((file) => file.url) ?? [];
  const firstDisks = options.rootDisk ? [options.rootDisk] : guestDisks;
  const disks: readonly DiskOptions[] = [...firstDisks, ...options.disks].map((disk) =>
    isLibraryDisk(disk) ? disk : { source: disk },
  );
  return {
    kernel,
    ...present('initrd', source('initrd')),
    ...present('dtb', source('dtb')),
    disks,
    memoryMiB: options.memoryMiB ?? guest?.memoryMiB ?? MEMORY_MIB.normal,
    ...present('commandLine', options.commandLine ?? guest?.commandLine),
    ...(options.cpu && { cpu: options.cpu }),
    engine: options.engine,
  };
}

export function isMemorySize(mib: number): boolean {
  return Number.isInteger(mib) && mib >= MEMORY_MIB.smallest && mib <= MEMORY_MIB.largest;
}

/** An object with the field, or without it: an absent option is absent, not undefined. */
function present<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  return value === null || value === undefined || value === '' ? {} : ({ [key]: value } as { [P in K]: V });
}
