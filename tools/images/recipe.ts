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

/** Files of this repository that a guest gets. */
export interface Overlay {
  /** Folder beside the recipe whose files are laid over the root directory. */
  readonly overlay: URL;
  /** Overlay files that must be executable, by path in the guest. */
  readonly executables: readonly string[];
}

/** A first root file system: busybox, modules, and what is laid over them. */
export interface InitramfsFacts extends Overlay {
  /** Empty directories: mount points and the like. */
  readonly directories: readonly string[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** What guests with Debian's kernel and a busybox in memory share. */
interface KernelFacts extends GuestFacts {
  readonly commandLine: readonly Choice[];
  /** The package that depends on the current kernel, and the licence of that kernel. */
  readonly kernel: PackageRow;
  /** Kernel modules by name; what they depend on comes along. */
  readonly modules: readonly Choice[];
  /** The static busybox that becomes /bin/busybox; the guest links its applets at boot. */
  readonly busybox: PackageRow;
}

/** Debian's kernel with busybox in memory. */
export interface LinuxRecipe extends KernelFacts, InitramfsFacts {
  readonly kind: 'linux';
}

/** Debian on a disk of its own, which a small initramfs mounts. */
export interface DiskRecipe extends KernelFacts {
  readonly kind: 'disk';
  readonly diskMiB: number;
  /** What is installed besides Debian's essential packages; dependencies come along, recommendations do not. */
  readonly packages: readonly Choice[];
  /** systemd units that this machine has no use for. */
  readonly maskedUnits: readonly Choice[];
  /** Mounts the disk and hands over to its init. */
  readonly initramfs: InitramfsFacts;
  /** Installs the packages on the empty disk, inside the machine. */
  readonly bootstrap: InitramfsFacts;
  /** In place before the first package is installed: how packages are to be installed. */
  readonly early: Overlay;
  /** Laid over the installed system. */
  readonly root: Overlay;
  /** Files of other guests that this one has too, by path in the guest. */
  readonly sharedFiles: readonly { readonly path: string; readonly source: URL; readonly mode: number }[];
  /** SPDX expression: what may be in the packages, in short. */
  readonly licence: string;
}

/** A bare-metal program assembled from source: needs nothing but this repository. */
export interface AssembledRecipe extends GuestFacts {
  readonly kind: 'assembled';
  readonly source: URL;
  /** SPDX expression. */
  readonly licence: string;
}

export type GuestRecipe = LinuxRecipe | DiskRecipe | AssembledRecipe;
