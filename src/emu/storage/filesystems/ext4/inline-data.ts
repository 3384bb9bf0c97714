/**
 * Files that live in their inode (Linux, Documentation/filesystems/ext4/inlinedata.rst): the first 60 bytes in
 * i_block, the rest as the value of the extended attribute `system.data` behind the inode's fields.
 */
import { corrupt } from '../file-system-error.ts';
import { structure } from '../structure.ts';
import { BLOCK_FIELD_BYTES, type Inode, OLD_INODE_BYTES } from './inodes.ts';

const ATTRIBUTES_MAGIC = 0xea02_0000;
const MAGIC_BYTES = 4;
const ENTRY_BYTES = 16;
const SYSTEM_NAMESPACE = 7;
const DATA_NAME = 'data';

const Magic = structure({ value: [0, 'u32'] });
const Attribute = structure({
  nameLength: [0, 'u8'],
  namespace: [1, 'u8'],
  valueOffset: [2, 'u16'],
  valueInode: [4, 'u32'],
  valueLength: [8, 'u32'],
});

/** The two parts of an inline file; together they have at least its size. @throws {FileSystemError} */
export function inlineParts(inode: Inode, what: string): readonly [Uint8Array, Uint8Array] {
  const rest = attributeValue(inode, what);
  if (inode.sizeBytes > BLOCK_FIELD_BYTES + rest.length)
    throw corrupt(
      `${what}: ${inode.sizeBytes} bytes inside an inode with room for ${BLOCK_FIELD_BYTES + rest.length}`,
    );
  return [inode.block, rest];
}

export function inlineContents(inode: Inode, what: string): Uint8Array {
  const [first, rest] = inlineParts(inode, what);
  const contents = new Uint8Array(first.length + rest.length);
  contents.set(first);
  contents.set(rest, first.length);
  return contents.subarray(0, inode.sizeBytes);
}

/** The value of `system.data`, empty when the inode has none. */
function attributeValue({ bytes, extraBytes }: Inode, what: string): Uint8Array {
  const start = OLD_INODE_BYTES + extraBytes;
  const nothing = bytes.subarray(0, 0);
  if (start + MAGIC_BYTES > bytes.length || Magic.read(bytes, start).value !== ATTRIBUTES_MAGIC)
    return nothing;
  const first = start + MAGIC_BYTES;
  // The list ends with four zero bytes, or with the inode.
  for (let at = first; at + ENTRY_BYTES <= bytes.length && Magic.read(bytes, at).value !== 0; ) {
    const attribute = Attribute.read(bytes, at);
    const name = String.fromCharCode(
      ...bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + attribute.nameLength),
    );
    if (attribute.namespace === SYSTEM_NAMESPACE && name === DATA_NAME) {
      const from = first + attribute.valueOffset;
      if (attribute.valueInode !== 0 || from + attribute.valueLength > bytes.length)
        throw corrupt(`${what}: its contents are said to lie outside its inode`);
      return bytes.subarray(from, from + attribute.valueLength);
    }
    at += ENTRY_BYTES + Math.ceil(attribute.nameLength / 4) * 4;
  }
  return nothing;
}
