/**
 * Names in a FAT directory (Microsoft's FAT specification, "Names" and "FAT Long Directory Entries"): 8.3
 * names in the code page of DOS, and long names in UTF-16 with the checksum of the short name they belong to.
 */
import { FileSystemError } from '../file-system-error.ts';

export const SHORT_NAME_BYTES = 11;
const BASE_BYTES = 8;
export const LONGEST_NAME = 255;
const SPACE = 0x20;
/** Stands for 0xE5 in the first byte, which means a deleted entry. */
const ESCAPED_E5 = 0x05;
const DELETED = 0xe5;
/** Windows NT: the base or the extension of an 8.3 name is shown in lower case. */
const LOWER_CASE_BASE = 0x08;
const LOWER_CASE_EXTENSION = 0x10;
const MOST_TAILS = 999_999;

/** Code page 437 from 0x80 on. */
const CODE_PAGE =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

const FORBIDDEN_IN_LONG = /["*/:<>?\\|]/;
const VALID_IN_SHORT = /^[A-Z0-9!#$%&'()@^_`{}~-]+$/;
const INVALID_IN_SHORT = /[^A-Z0-9!#$%&'()@^_`{}~-]/g;

function codePageText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : CODE_PAGE[byte - 0x80];
  return text.trimEnd();
}

/** An 8.3 name as users see it. */
export function shortNameText(raw: Uint8Array, caseBits: number): string {
  const bytes = raw.slice();
  if (bytes[0] === ESCAPED_E5) bytes[0] = DELETED;
  const base = codePageText(bytes.subarray(0, BASE_BYTES));
  const extension = codePageText(bytes.subarray(BASE_BYTES));
  const shownBase = caseBits & LOWER_CASE_BASE ? base.toLowerCase() : base;
  const shownExtension = caseBits & LOWER_CASE_EXTENSION ? extension.toLowerCase() : extension;
  return shownExtension === '' ? shownBase : `${shownBase}.${shownExtension}`;
}

/** What each slot of a long name repeats, so that it cannot be taken for another entry's. */
export function shortNameChecksum(raw: Uint8Array): number {
  let sum = 0;
  for (const byte of raw) sum = (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff;
  return sum;
}

/** Names compare without regard to case. */
export function foldName(name: string): string {
  let folded = '';
  for (const character of name) {
    const upper = character.toUpperCase();
    folded += upper.length === character.length ? upper : character;
  }
  return folded;
}

const hasControls = (name: string): boolean => [...name].some((character) => character < ' ');

/** Whether a name that a directory contains may be shown and used in a path. */
export function isUsableName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/** @throws {FileSystemError} when a file on a FAT cannot be called so */
export function checkNewName(name: string): void {
  const problem =
    name === '' || name === '.' || name === '..'
      ? 'it is not a name'
      : name.length > LONGEST_NAME
        ? `it has more than ${LONGEST_NAME} characters`
        : hasControls(name)
          ? 'it contains a control character'
          : FORBIDDEN_IN_LONG.test(name)
            ? `it contains ${FORBIDDEN_IN_LONG.exec(name)?.[0]}`
            : /[. ]$/.test(name)
              ? 'it ends with a dot or a blank'
              : undefined;
  if (problem)
    throw new FileSystemError('bad-name', `“${name}” cannot be a name on a FAT file system: ${problem}`);
}

function packShortName(base: string, extension: string): Uint8Array {
  const raw = new Uint8Array(SHORT_NAME_BYTES).fill(SPACE);
  for (let index = 0; index < base.length; index++) raw[index] = base.charCodeAt(index);
  for (let index = 0; index < extension.length; index++)
    raw[BASE_BYTES + index] = extension.charCodeAt(index);
  return raw;
}

/** The 8.3 form that says all of `name`, or undefined when it needs a long one. */
export function exactShortName(name: string): Uint8Array | undefined {
  const [base = '', extension = '', ...more] = name.split('.');
  if (more.length > 0 || base.length > BASE_BYTES || extension.length > SHORT_NAME_BYTES - BASE_BYTES)
    return undefined;
  if (!VALID_IN_SHORT.test(base) || (name.includes('.') && !VALID_IN_SHORT.test(extension))) return undefined;
  return packShortName(base, extension);
}

/** An 8.3 name for a long one (“The Basis-Name Generation Algorithm”, then a numeric tail) that `isTaken` denies. */
export function inventShortName(name: string, isTaken: (raw: Uint8Array) => boolean): Uint8Array {
  const plain = foldName(name).replaceAll(' ', '').replace(/^\.+/, '');
  const dot = plain.lastIndexOf('.');
  const clean = (text: string): string => text.replace(INVALID_IN_SHORT, '_');
  const base = clean((dot < 0 ? plain : plain.slice(0, dot)).replaceAll('.', '')) || '_';
  const extension = clean(dot < 0 ? '' : plain.slice(dot + 1)).slice(0, SHORT_NAME_BYTES - BASE_BYTES);
  for (let number = 1; number <= MOST_TAILS; number++) {
    const tail = `~${number}`;
    const raw = packShortName(base.slice(0, BASE_BYTES - tail.length) + tail, extension);
    if (!isTaken(raw)) return raw;
  }
  throw new FileSystemError('no-space', `the directory has no 8.3 name left for “${name}”`);
}
