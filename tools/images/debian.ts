/**
 * Debian packages for arm64, through a private apt root: apt's own configuration, sources and keys of this
 * computer, but lists, cache and (empty) list of installed packages below `.cache/`. Needs no root rights;
 * apt verifies the signatures. Downloads and unpacked trees appear under their final names only when whole.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export const GUEST_ARCHITECTURE = 'arm64';

const HOUR_MS = 60 * 60 * 1000;

/** Package lists older than this are fetched again. */
const LISTS_MAX_AGE_MS = 24 * HOUR_MS;

/** Work folders older than this were left by an interrupted run; younger ones may be another's. */
const LEFTOVER_AGE_MS = HOUR_MS;

/** This computer cannot provide packages; the message is one sentence for the user. */
export class PackagesUnavailableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PackagesUnavailableError';
  }
}

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** The downloaded .deb. */
  readonly file: string;
}

/** Settings of the private root. `#clear` drops hooks of this computer, which may need root rights. */
function aptConfiguration(root: string): string {
  return [
    '#clear APT::Architectures;',
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear Dir::Cache::pkgcache;',
    '#clear Dir::Cache::srcpkgcache;',
    `APT::Architecture "${GUEST_ARCHITECTURE}";`,
    `APT::Architectures { "${GUEST_ARCHITECTURE}"; };`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    `Dir::State "${root}/state";`,
    `Dir::State::lists "${root}/lists";`,
    `Dir::State::status "${root}/status";`,
    `Dir::Cache "${root}/cache";`,
    '',
  ].join('\n');
}

/** The lines `Inst name (version origin [architecture])` of what apt-get says it would do. */
export function simulatedPackages(
  text: string,
): { readonly name: string; readonly version: string; readonly architecture: string }[] {
  return [...text.matchAll(/^Inst (\S+) .*?\((\S+) .*\[(\w+)\]\)/gm)].map((match) => {
    const [, name = '', version = '', architecture = ''] = match;
    return { name, version, architecture };
  });
}

function hasCommand(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (ageMs > LEFTOVER_AGE_MS) rmSync(path, { recursive: true, force: true });
  }
}

export class PrivateApt {
  readonly #root: string;
  readonly #archives: string;
  /** Holds one folder for each download or unpacking that is under way. */
  readonly #work: string;
  readonly #configuration: string;

  /** @throws {PackagesUnavailableError} on a computer without apt. */
  constructor(cacheFolder: string) {
    for (const command of ['apt-get', 'apt-cache', 'dpkg-deb']) {
      if (!hasCommand(command)) {
        throw new PackagesUnavailableError(
          `Guest images are made from Debian packages, and this computer has no ${command}; use Debian (or a Debian container), or bring your own kernel and initrd.`,
        );
      }
    }
    this.#root = join(cacheFolder, 'apt');
    this.#archives = join(cacheFolder, 'packages');
    this.#configuration = join(this.#root, 'apt.conf');
    for (const folder of ['state', 'lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(this.#root, folder), { recursive: true });
    }
    this.#work = join(cacheFolder, 'work');
    mkdirSync(this.#archives, { recursive: true });
    mkdirSync(this.#work, { recursive: true });
    removeLeftovers(this.#work);
    writeFileSync(join(this.#root, 'status'), '');
    writeFileSync(this.#configuration, aptConfiguration(this.#root));
  }

  /** Fetches the package lists unless recent ones are there. @throws {PackagesUnavailableError} */
  update(): void {
    const stamp = join(this.#root, 'updated');
    if (existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < LISTS_MAX_AGE_MS) return;
    const run = spawnSync('apt-get', ['-c', this.#configuration, '--quiet=2', 'update'], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // A foreign source without arm64 makes apt complain; what counts is whether Debian's packages are there.
    if (this.#field('linux-image-arm64', 'Version') === undefined) {
      const complaint = run.stderr.split('\n').find((line) => line.startsWith('E:'));
      throw new PackagesUnavailableError(
        `The apt sources of this computer offer no Debian packages for ${GUEST_ARCHITECTURE}${complaint === undefined ? '' : ` (${complaint.slice(2).trim()})`}.`,
      );
    }
    writeFileSync(stamp, '');
  }

  /** The kernel package that `metapackage` depends on. */
  kernelBehind(metapackage: string): string {
    const kernel = this.#field(metapackage, 'Depends')?.match(/linux-image-\d[^\s,|]*/)?.[0];
    if (kernel === undefined) {
      throw new PackagesUnavailableError(`The package ${metapackage} names no kernel this recipe knows.`);
    }
    return kernel;
  }

  /** The candidate version of `name`, downloaded. */
  download(name: string, onStart: () => void): DebianPackage {
    const version = this.#field(name, 'Version');
    if (version === undefined) {
      throw new PackagesUnavailableError(
        `The apt sources of this computer have no package ${name} for ${GUEST_ARCHITECTURE}.`,
      );
    }
    const file = join(this.#archives, `${name}_${version.replaceAll(':', '%3a')}_${GUEST_ARCHITECTURE}.deb`);
    if (existsSync(file)) return { name, version, file };
    onStart();
    const partial = mkdtempSync(join(this.#work, 'download-'));
    const run = spawnSync(
      'apt-get',
      ['-c', this.#configuration, '--quiet=2', 'download', `${name}=${version}`],
      { cwd: partial, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const downloaded = readdirSync(partial).find((entry) => entry.endsWith('.deb'));
    if (run.status !== 0 || downloaded === undefined) {
      throw new PackagesUnavailableError(`Downloading ${name} failed: ${run.stderr.trim()}`);
    }
    renameSync(join(partial, downloaded), file);
    rmSync(partial, { recursive: true });
    return { name, version, file };
  }

  /**
   * What `apt-get install` would install of `wanted` (names, or patterns such as `?essential`) with what
   * they depend on, in the order in which it would, without recommendations.
   */
  resolve(wanted: readonly string[]): readonly DebianPackage[] {
    return simulatedPackages(this.#install(['--simulate'], wanted)).map(({ name, version, architecture }) => {
      const fileName = `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
      return { name, version, file: join(this.#archives, fileName) };
    });
  }

  /** The same, downloaded in one go. @throws {PackagesUnavailableError} */
  downloadAll(wanted: readonly string[]): readonly DebianPackage[] {
    mkdirSync(join(this.#archives, 'partial'), { recursive: true });
    this.#install(['--download-only', `-oDir::Cache::archives=${this.#archives}`], wanted);
    return this.resolve(wanted);
  }

  #install(options: readonly string[], wanted: readonly string[]): string {
    const run = spawnSync(
      'apt-get',
      [
        '-c',
        this.#configuration,
        '--quiet=2',
        '--yes',
        '--no-install-recommends',
        ...options,
        'install',
        ...wanted,
      ],
      { encoding: 'utf8', maxBuffer: 16 << 20 },
    );
    if (run.status !== 0) throw new PackagesUnavailableError(`apt-get install: ${run.stderr.trim()}`);
    return run.stdout;
  }

  /** Unpacks into a fresh folder; the caller removes it. */
  unpack(debianPackage: DebianPackage): string {
    const target = mkdtempSync(join(this.#work, 'unpacked-'));
    execFileSync('dpkg-deb', ['--extract', debianPackage.file, target]);
    return target;
  }

  /** One field of the candidate version's control record. */
  #field(name: string, field: string): string | undefined {
    const run = spawnSync('apt-cache', ['-c', this.#configuration, 'show', '--no-all-versions', name], {
      encoding: 'utf8',
      maxBuffer: 16 << 20,
    });
    if (run.status !== 0) return undefined;
    return run.stdout.match(new RegExp(`^${field}: (.*)$`, 'm'))?.[1];
  }
}
