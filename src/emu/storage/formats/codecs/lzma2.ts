/** LZMA2: chunks of LZMA or of stored bytes, each with a byte that says what begins anew with it. */
import { ImageError } from '../image-error.ts';
import { damaged, endsEarly } from './damage.ts';
import { LzmaDecoder } from './lzma.ts';
import type { OutputWindow } from './output-window.ts';
import { RANGE_HEADER_BYTES } from './range-decoder.ts';
import type { StreamInput } from './stream-input.ts';

/** The first byte of a chunk. */
const CONTROL = { end: 0, storedReset: 1, stored: 2, lzma: 0x80 } as const;
/** What an LZMA chunk resets, in bits 5 and 6 of its first byte: nothing, state, properties too, all. */
const RESET = { state: 1, properties: 2, dictionary: 3 } as const;
const STORED_HEADER_BYTES = 3;
const LZMA_HEADER_BYTES = 5;
const MOST_HEADER_BYTES = LZMA_HEADER_BYTES + 1;

/** What has to come first before a chunk without it can be decoded. */
type Missing = 'dictionary' | 'properties' | undefined;

/** Decodes one LZMA2 stream; afterwards the input's position is behind its last byte. */
export async function* decodeLzma2(input: StreamInput, window: OutputWindow): AsyncGenerator<Uint8Array> {
  const decoder = new Lzma2Decoder(window);
  do {
    await input.fill(MOST_HEADER_BYTES);
    await input.fill(decoder.chunkBytes(input));
    decoder.chunk(input);
    if (window.untaken > 0) yield window.take();
  } while (!decoder.hasEnded);
}

/** As decodeLzma2, for input that is in memory and a window that keeps all of the output. */
export function decodeLzma2Whole(input: StreamInput, window: OutputWindow): void {
  const decoder = new Lzma2Decoder(window);
  while (!decoder.hasEnded) decoder.chunk(input);
}

class Lzma2Decoder {
  hasEnded = false;
  private readonly window: OutputWindow;
  private readonly lzma: LzmaDecoder;
  private missing: Missing = 'dictionary';

  constructor(window: OutputWindow) {
    this.window = window;
    this.lzma = new LzmaDecoder(window);
  }

  /** Size of the next chunk with its header, of which at least the first bytes are there if the file has them. */
  chunkBytes({ bytes, position }: StreamInput): number {
    const control = bytes[position]!;
    if (control === CONTROL.end) return 1;
    if (control < CONTROL.lzma) return STORED_HEADER_BYTES + bigEndian(bytes, position + 1) + 1;
    return lzmaHeaderBytes(control) + bigEndian(bytes, position + 3) + 1;
  }

  /** Decodes the next chunk, which is there unless the file ends before. @throws {ImageError} */
  chunk(input: StreamInput): void {
    const size = this.chunkBytes(input);
    if (input.available < size) {
      const end = input.offset + input.available;
      throw endsEarly(end);
    }
    const { offset, position } = input;
    const control = input.bytes[position]!;
    try {
      if (control === CONTROL.end) this.hasEnded = true;
      else if (control >= CONTROL.lzma) this.lzmaChunk(input.bytes, position, size);
      else if (control <= CONTROL.stored) this.storedChunk(control, input, size);
      else throw damaged('a chunk of unknown kind');
    } catch (failure) {
      if (!(failure instanceof ImageError) || failure.offset !== undefined) throw failure;
      throw new ImageError(failure.kind, failure.message, offset);
    }
    input.position = position + size;
  }

  private storedChunk(control: number, { bytes, position }: StreamInput, size: number): void {
    const contents = bytes.subarray(position + STORED_HEADER_BYTES, position + size);
    if (control === CONTROL.storedReset) {
      this.lzma.resetDictionary();
      this.missing = 'properties';
    } else if (this.missing === 'dictionary') throw missingReset();
    this.reserve(contents.length);
    this.lzma.stored(contents);
  }

  private lzmaChunk(bytes: Uint8Array<ArrayBuffer>, position: number, size: number): void {
    const control = bytes[position]!;
    const contentsBytes = ((control & 0x1f) << 16) + bigEndian(bytes, position + 1) + 1;
    const reset = resetOf(control);
    if (reset === RESET.dictionary) {
      this.lzma.resetDictionary();
      this.missing = 'properties';
    }
    if (reset >= RESET.properties) {
      if (this.missing === 'dictionary') throw missingReset();
      if (!this.lzma.setProperties(bytes[position + LZMA_HEADER_BYTES]!)) {
        throw damaged('unknown properties');
      }
    } else if (this.missing === 'dictionary' || this.missing === 'properties') throw missingReset();
    if (reset >= RESET.state) {
      this.lzma.resetState();
      this.missing = undefined;
    }
    this.reserve(contentsBytes);
    const from = position + lzmaHeaderBytes(control);
    if (position + size - from < RANGE_HEADER_BYTES) throw damaged('a chunk is too short');
    this.lzma.decode(bytes, from, position + size, contentsBytes);
  }

  private reserve(count: number): void {
    this.window.reserve(count);
    if (this.window.room < count) {
      throw damaged('it is longer than the size given for it');
    }
  }
}

function resetOf(control: number): number {
  return (control >> 5) & RESET.dictionary;
}

function lzmaHeaderBytes(control: number): number {
  return resetOf(control) >= RESET.properties ? MOST_HEADER_BYTES : LZMA_HEADER_BYTES;
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function missingReset(): ImageError {
  return damaged('a chunk needs what was before its start');
}
