/**
 * Writes cpio archives in the "newc" format, as the kernel's Documentation/driver-api/early-userspace/
 * buffer-format.rst defines it. Output depends only on the entries: no times, owners or inode numbers of
 * the host get in.
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode?: number }
  | { readonly kind: 'file'; readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly path: string;
      readonly major: number;
      readonly minor: number;
      readonly mode?: number;
    };

const MAGIC = '070701';
const HEADER_BYTES = 110;
const ALIGNMENT = 4;
const TRAILER = 'TRAILER!!!';

/** File type bits of st_mode. */
const TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000, 'character-device': 0o020000 } as const;
const DEFAULT_MODE = { directory: 0o755, file: 0o644, link: 0o777, 'character-device': 0o600 } as const;

const encoder = new TextEncoder();

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/** One header and its name; every field after the magic is eight hexadecimal digits. */
function writeMember(
  name: string,
  data: Uint8Array,
  fields: { inode: number; mode: number; links: number; major: number; minor: number },
): Uint8Array {
  const nameBytes = encoder.encode(`${name}\0`);
  const columns = [
    fields.inode,
    fields.mode,
    0, // uid
    0, // gid
    fields.links,
    0, // mtime
    data.length,
    0, // major and minor number of the device that holds the file
    0,
    fields.major,
    fields.minor,
    nameBytes.length,
    0, // checksum, unused in newc
  ];
  const header = MAGIC + columns.map((value) => value.toString(16).padStart(8, '0')).join('');
  const dataStart = aligned(HEADER_BYTES + nameBytes.length);
  const member = new Uint8Array(dataStart + aligned(data.length));
  member.set(encoder.encode(header), 0);
  member.set(nameBytes, HEADER_BYTES);
  member.set(data, dataStart);
  return member;
}

function payload(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  if (entry.kind === 'link') return encoder.encode(entry.target);
  return new Uint8Array(0);
}

/** The directories above `path`, outermost first. */
export function parentDirectories(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Sorts entries, adds directories that are only implied, and lets later entries replace earlier ones. */
export function normalizeEntries(entries: readonly CpioEntry[]): CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const path = entry.path.replace(/^\/+|\/+$/g, '');
    for (const parent of parentDirectories(path)) {
      if (!byPath.has(parent)) byPath.set(parent, { kind: 'directory', path: parent });
    }
    byPath.set(path, { ...entry, path });
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** A complete archive. The kernel unpacks several of them one after the other. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const members = normalizeEntries(entries).map((entry, index) => {
    const mode = 'mode' in entry && entry.mode !== undefined ? entry.mode : DEFAULT_MODE[entry.kind];
    return writeMember(entry.path, payload(entry), {
      inode: index + 1,
      mode: TYPE[entry.kind] | mode,
      links: 1,
      major: entry.kind === 'character-device' ? entry.major : 0,
      minor: entry.kind === 'character-device' ? entry.minor : 0,
    });
  });
  members.push(writeMember(TRAILER, new Uint8Array(0), { inode: 0, mode: 0, links: 1, major: 0, minor: 0 }));
  const archive = new Uint8Array(members.reduce((sum, member) => sum + member.length, 0));
  let offset = 0;
  for (const member of members) {
    archive.set(member, offset);
    offset += member.length;
  }
  return archive;
}
