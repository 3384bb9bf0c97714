/**
 * Debian packages with their members uncompressed. A package is an ar archive of three members (deb(5)); the
 * machine that installs them would spend most of its time on xz, which this computer does in seconds.
 */
import { execFileSync } from 'node:child_process';

const AR_MAGIC = '!<arch>\n';
const PACKAGE_FORMAT = '2.0\n';
const LARGEST_MEMBER_BYTES = 1 << 30;
/** Widths of ar's header columns: name, time, owner, group, mode, size. */
const AR_COLUMNS = [16, 12, 6, 6, 8, 10] as const;

function arMember(name: string, data: Uint8Array): Uint8Array {
  const values = [name, '0', '0', '0', '100644', String(data.length)];
  const header = `${values.map((value, index) => value.padEnd(AR_COLUMNS[index] ?? 0)).join('')}\`\n`;
  // Members start at even offsets.
  return Buffer.concat([Buffer.from(header), data, Buffer.from(data.length % 2 === 0 ? '' : '\n')]);
}

/** An ar archive of `members`. */
export function writeAr(
  members: readonly { readonly name: string; readonly data: Uint8Array }[],
): Uint8Array {
  return Buffer.concat([Buffer.from(AR_MAGIC), ...members.map(({ name, data }) => arMember(name, data))]);
}

/** The package in `file` with uncompressed members. */
export function plainDeb(file: string): Uint8Array {
  const member = (option: string): Uint8Array =>
    execFileSync('dpkg-deb', [option, file], { maxBuffer: LARGEST_MEMBER_BYTES });
  return writeAr([
    { name: 'debian-binary', data: Buffer.from(PACKAGE_FORMAT) },
    { name: 'control.tar', data: member('--ctrl-tarfile') },
    { name: 'data.tar', data: member('--fsys-tarfile') },
  ]);
}
