/**
 * Rate and time left of a download, from the byte counts that the loader reports. A sliding window keeps
 * the rate steady without hiding that a connection became slow. Pure: the caller gives the time.
 */
import type { LoadProgress } from '../../embed/api.ts';

export interface TransferView {
  readonly loadedBytes: number;
  /** Absent while a file's length is unknown. */
  readonly totalBytes?: number;
  /** 0 to 1; absent with totalBytes. */
  readonly fraction?: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft?: number;
  readonly files: readonly LoadProgress[];
}

interface Sample {
  readonly timeMs: number;
  readonly bytes: number;
}

const WINDOW_MS = 3000;
const MS_PER_SECOND = 1000;
/** No time is told before this much of the transfer has been seen: it would jump about. */
const SETTLE_MS = 400;

export class TransferMeter {
  readonly #files = new Map<LoadProgress['what'], LoadProgress>();
  #samples: Sample[] = [];

  add(progress: LoadProgress, nowMs: number): void {
    this.#files.set(progress.what, progress);
    this.#samples.push({ timeMs: nowMs, bytes: this.#loadedBytes() });
    // Keep one sample older than the window, so that a stalled transfer's rate falls instead of vanishing.
    while ((this.#samples[1]?.timeMs ?? nowMs) < nowMs - WINDOW_MS) this.#samples.shift();
  }

  view(nowMs: number): TransferView {
    const files = [...this.#files.values()];
    const loadedBytes = this.#loadedBytes();
    const bytesPerSecond = this.#rate(loadedBytes, nowMs);
    if (files.length === 0 || files.some((file) => file.totalBytes === undefined)) {
      return { loadedBytes, bytesPerSecond, files };
    }
    const totalBytes = files.reduce((sum, file) => sum + (file.totalBytes ?? 0), 0);
    const view = {
      loadedBytes,
      totalBytes,
      fraction: totalBytes > 0 ? Math.min(1, loadedBytes / totalBytes) : 1,
      bytesPerSecond,
      files,
    };
    const settled = nowMs - (this.#samples[0]?.timeMs ?? nowMs) >= SETTLE_MS;
    if (!settled || bytesPerSecond <= 0) return view;
    return { ...view, secondsLeft: Math.max(0, totalBytes - loadedBytes) / bytesPerSecond };
  }

  #loadedBytes(): number {
    let sum = 0;
    for (const file of this.#files.values()) sum += file.loadedBytes;
    return sum;
  }

  #rate(loadedBytes: number, nowMs: number): number {
    const first = this.#samples[0];
    if (first === undefined || nowMs <= first.timeMs) return 0;
    return ((loadedBytes - first.bytes) * MS_PER_SECOND) / (nowMs - first.timeMs);
  }
}
