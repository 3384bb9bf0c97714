/** Fields of several bytes in a piece of a file. */

export function viewOf(bytes: Uint8Array, at = 0): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
}
