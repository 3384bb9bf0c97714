/** Which chunk has which place of a file, and which places are free. The lowest go first, so that files stay short. */

const GROWTH = 2;
const FIRST_ROOM = 64;

export class PlaceOwners {
  /** The number of the chunk that has a place + 1; 0 where it is free. */
  private owners = new Uint32Array(FIRST_ROOM);
  /** Nothing is free below. */
  private lowest = 0;
  private count = 0;
  private last = 0;

  /** Behind the last place that is taken. */
  get end(): number {
    return this.last;
  }

  /** Free places before the end. */
  get freeCount(): number {
    return this.last - this.count;
  }

  get lowestFree(): number {
    while (this.lowest < this.last && this.owners[this.lowest] !== 0) this.lowest++;
    return this.lowest;
  }

  ownerOf(place: number): number | undefined {
    const owner = this.owners[place] ?? 0;
    return owner === 0 ? undefined : owner - 1;
  }

  /** The lowest free place, for a chunk. */
  take(chunk: number): number {
    const place = this.lowestFree;
    this.note(place, chunk);
    return place;
  }

  /** The place belongs to a chunk. */
  note(place: number, chunk: number): void {
    if (place >= this.owners.length) {
      const grown = new Uint32Array(Math.max(place + 1, this.owners.length * GROWTH));
      grown.set(this.owners);
      this.owners = grown;
    }
    this.owners[place] = chunk + 1;
    this.count++;
    this.last = Math.max(this.last, place + 1);
  }

  give(place: number): void {
    this.owners[place] = 0;
    this.count--;
    this.lowest = Math.min(this.lowest, place);
    while (this.last > 0 && this.owners[this.last - 1] === 0) this.last--;
  }
}
