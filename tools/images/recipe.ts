/**
 * What a guest recipe says: Debian packages by name and machine facts as rows. Nothing here is pinned to a
 * version; the manifest records which versions a build really used.
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

export interface GuestRecipe {
  /** File-system and URL name. */
  readonly name: string;
  readonly title: string;
  /** One sentence for the catalogue. */
  readonly description: string;
  /** Offered first, and built by `npm start` and `npm test`. */
  readonly isDefault: boolean;
  readonly board: 'virt';
  readonly memoryMiB: number;
  readonly commandLine: readonly Choice[];
  /** Regular expression that the console's output matches once the guest waits for input. */
  readonly readyPattern: string;
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
