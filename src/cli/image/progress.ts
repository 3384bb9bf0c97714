/** How far a long command is, in one line on a terminal: share, rate, time left. */
import type { ImageReader } from '../../emu/storage/formats/random-access.ts';
import type { CommandIo } from './command.ts';

const MS_PER_SECOND = 1000;
const UPDATE_MS = 200;
const BYTES_PER_MIB = 2 ** 20;
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export class Progress {
  readonly #io: CommandIo;
  readonly #totalBytes: number;
  readonly #prefix: string;
  readonly #startMs: number;
  #shownMs = 0;
  #doneBytes = 0;

  constructor(io: CommandIo, totalBytes: number, prefix = '') {
    this.#io = io;
    this.#totalBytes = totalBytes;
    this.#prefix = prefix;
    this.#startMs = io.nowMs();
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    const nowMs = this.#io.nowMs();
    if (nowMs - this.#shownMs < UPDATE_MS) return;
    this.#shownMs = nowMs;
    const seconds = (nowMs - this.#startMs) / MS_PER_SECOND;
    const rate = this.#doneBytes / Math.max(seconds, 1 / MS_PER_SECOND);
    const left = Math.max(0, this.#totalBytes - this.#doneBytes) / rate;
    const percent = Math.min(100, Math.floor((100 * this.#doneBytes) / Math.max(1, this.#totalBytes)));
    const line = `${percent} %, ${(rate / BYTES_PER_MIB).toFixed(0)} MiB/s, ${left.toFixed(0)} s left`;
    this.#io.progress?.(this.#prefix + line);
  }

  /** Counts the bytes that go through. */
  async *counting<Bytes extends Uint8Array>(source: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
    for await (const chunk of source) {
      this.add(chunk.length);
      yield chunk;
    }
  }

  /** Counts the bytes that are read. */
  watching(image: ImageReader): ImageReader {
    return {
      size: image.size,
      format: image.format,
      ranges: () => image.ranges(),
      read: (offset, target) => {
        this.add(target.length);
        return image.read(offset, target);
      },
    };
  }

  /** Takes the line away, and says what came of it. */
  end(result?: string): void {
    this.#io.progress?.('');
    if (result !== undefined) this.#io.say(result);
  }
}

/** `1536 bytes`, `4.0 GiB`: in the largest unit that is not exceeded. */
export function formatBytes(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${unit === 0 ? bytes : (bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`;
}
