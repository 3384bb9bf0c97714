/**
 * What chunks of all disks of a thread take in memory, and which are dropped first: least recently used.
 * Only chunks that can be read again are offered to it; whoever changes one takes it back before.
 */

export interface CachedChunk {
  readonly heldBytes: number;
  /** Forgets the chunk's contents. */
  drop(): void;
}

export const DEFAULT_CACHE_BYTES = 64 << 20;

export class ChunkCache {
  private readonly limitBytes: number;
  /** In the order of their last use. */
  private readonly chunks = new Set<CachedChunk>();
  private heldBytes = 0;

  constructor(limitBytes: number = DEFAULT_CACHE_BYTES) {
    this.limitBytes = limitBytes;
  }

  /** The chunk may be dropped from now on, after all others. */
  offer(chunk: CachedChunk): void {
    this.take(chunk);
    this.chunks.add(chunk);
    this.heldBytes += chunk.heldBytes;
    for (const oldest of this.chunks) {
      if (this.heldBytes <= this.limitBytes) break;
      this.take(oldest);
      oldest.drop();
    }
  }

  /** The chunk must not be dropped any more. */
  take(chunk: CachedChunk): void {
    if (this.chunks.delete(chunk)) this.heldBytes -= chunk.heldBytes;
  }
}
