/**
 * Adds files of this computer to an initramfs: appends a second, gzip-compressed archive, which the kernel
 * unpacks over the first (Documentation/driver-api/early-userspace/buffer-format.rst). Modes are kept, so
 * programs stay executable.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { gzipForServing } from './initramfs.ts';
import { writeWhole } from './manifest.ts';

const PERMISSION_BITS = 0o777;
const EXIT_USAGE = 2;

export interface AddedFile {
  readonly guestPath: string;
  readonly data: Uint8Array;
  /** Permission bits; 0o755 for a program. */
  readonly mode: number;
}

/** The initramfs `base` with `files` laid over it. */
export function withFiles(base: Uint8Array, files: readonly AddedFile[]): Uint8Array {
  const entries = files.map(
    ({ guestPath, data, mode }): CpioEntry => ({ kind: 'file', path: guestPath, data, mode }),
  );
  return Buffer.concat([base, gzipForServing(writeCpio(entries))]);
}

/** Reads `host:/guest/path`. @throws {Error} when it has another form or the file cannot be read. */
export function readAddedFile(argument: string): AddedFile {
  const colon = argument.lastIndexOf(':/');
  if (colon <= 0) throw new Error(`"${argument}" is not of the form file:/path/in/guest`);
  const hostPath = argument.slice(0, colon);
  return {
    guestPath: argument.slice(colon + 1),
    data: readFileSync(hostPath),
    mode: statSync(hostPath).mode & PERMISSION_BITS,
  };
}

function main(args: readonly string[]): number {
  const [base, output, ...files] = args;
  if (base === undefined || output === undefined || files.length === 0) {
    console.error('usage: with-files.mjs base.cpio.gz out.cpio.gz file:/path/in/guest…');
    return EXIT_USAGE;
  }
  try {
    writeWhole(output, withFiles(readFileSync(base), files.map(readAddedFile)));
    return 0;
  } catch (error) {
    console.error(`with-files: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) process.exitCode = main(process.argv.slice(2));
