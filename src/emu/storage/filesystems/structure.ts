/**
 * On-disk structures as tables: a field is a row with its offset and its type. They are little-endian unless a
 * structure says otherwise. A 64-bit field becomes a number: one above 2^53 is inexact, and beyond any disk.
 */

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64';

/** Offset, and a type or a length in bytes. */
type Field = readonly [offset: number, type: FieldType | number];

type ValueOf<F extends Field> = F[1] extends number ? Uint8Array : number;

export interface Structure<Fields extends Record<string, Field>> {
  /** All fields; those of bytes are views of `bytes`. The caller has checked that the structure lies inside. */
  read(bytes: Uint8Array, at?: number): { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };
  /** Sets the fields that `values` names. */
  write(
    bytes: Uint8Array,
    values: { readonly [Name in keyof Fields]?: ValueOf<Fields[Name]> },
    at?: number,
  ): void;
}

const TWO_TO_32 = 2 ** 32;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export type ByteOrder = 'little-endian' | 'big-endian';

function readField(view: DataView, at: number, type: FieldType, isLittle: boolean): number {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'u16':
      return view.getUint16(at, isLittle);
    case 'u32':
      return view.getUint32(at, isLittle);
    case 'u64': {
      const [low, high] = isLittle ? [at, at + 4] : [at + 4, at];
      return view.getUint32(high, isLittle) * TWO_TO_32 + view.getUint32(low, isLittle);
    }
  }
}

function writeField(view: DataView, at: number, type: FieldType, value: number, isLittle: boolean): void {
  switch (type) {
    case 'u8':
      return view.setUint8(at, value);
    case 'u16':
      return view.setUint16(at, value, isLittle);
    case 'u32':
      return view.setUint32(at, value, isLittle);
    case 'u64': {
      const [low, high] = isLittle ? [at, at + 4] : [at + 4, at];
      view.setUint32(low, value % TWO_TO_32, isLittle);
      return view.setUint32(high, Math.floor(value / TWO_TO_32), isLittle);
    }
  }
}

export function structure<const Fields extends Record<string, Field>>(
  fields: Fields,
  order: ByteOrder = 'little-endian',
): Structure<Fields> {
  const rows = Object.entries(fields);
  const isLittle = order === 'little-endian';
  return {
    read(bytes, at = 0) {
      const view = viewOf(bytes);
      const values: Record<string, number | Uint8Array> = {};
      for (const [name, [offset, type]] of rows) {
        const from = at + offset;
        values[name] =
          typeof type === 'number'
            ? bytes.subarray(from, from + type)
            : readField(view, from, type, isLittle);
      }
      return values as { [Name in keyof Fields]: ValueOf<Fields[Name]> };
    },
    write(bytes, values, at = 0) {
      const view = viewOf(bytes);
      for (const [name, [offset, type]] of rows) {
        const value = (values as Record<string, number | Uint8Array | undefined>)[name];
        if (value instanceof Uint8Array) bytes.set(value, at + offset);
        else if (value !== undefined && typeof type === 'string')
          writeField(view, at + offset, type, value, isLittle);
      }
    },
  };
}

/** ASCII (or Latin-1) up to the first NUL, without blanks at the end. */
export function paddedText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end))).trimEnd();
}
