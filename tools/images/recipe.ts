/**
 * What a guest recipe says: machine facts as rows, and what the guest is made of: Debian packages by name, or
 * source text of this repository. Nothing here is pinned to a version; the manifest records which versions a
 * build really used.
 */

/** A row whose second column says why the first is there. */
export interface Choice {
  readonly value: string;
  readonly why: string;
}

export interface PackageRow {
  /** The Debian package. */
  readonly name: string;
  /** SPDX expression of what the guest takes from it. */
  readonly licence: string;
}

/** What every guest has. */
interface GuestFacts {
  /** File-system and URL name. */
  readonly name: string;
  readonly title: string;
  /** One sentence for the catalogue. */
  readonly description: string;
  /** Built by `npm start` and `npm test`. */
  readonly isDefault: boolean;
  readonly board: 'virt';
  readonly memoryMiB: number;
  /** Regular expression that the console's output matches once the guest waits for input. */
  readonly readyPattern: string;
}

/** Debian's kernel with busybox in memory. */
export interface LinuxRecipe extends GuestFacts {
  readonly kind: 'linux';
  readonly commandLine: readonly Choice[];
  /** The package that depends on the current kernel, and the licence of that kernel. */
  readonly kernel: PackageRow;
  /** Kernel modules by name; what they depend on comes along. */
  readonly modules: readonly Choice[];
  /** The static busybox that becomes /bin/busybox; the guest links its applets at boot. */
  readonly busybox: PackageRow;
  /** Folder beside the recipe whose files are laid over the root directory. */
  readonly overlay: URL;
  /** Overlay files that must be executable, by path in the guest. */
  readonly executables: readonly string[];
  /** Empty directories: mount points and the like. */
  readonly directories: readonly string[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** A bare-metal program assembled from source: needs nothing but this repository. */
export interface AssembledRecipe extends GuestFacts {
  readonly kind: 'assembled';
  readonly source: URL;
  /** SPDX expression. */
  readonly licence: string;
}

export type GuestRecipe = LinuxRecipe | AssembledRecipe;
