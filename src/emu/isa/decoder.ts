/** Finds the row of an instruction word: candidates by the top bits, the most specific pattern first. */
import { type FeatureSet, has } from './features.ts';
import { extractFields } from './pattern.ts';
import { featureOf, type RawFields, type Row } from './row.ts';

export interface Decoded {
  readonly row: Row;
  readonly fields: RawFields;
}

/** Bits 31:21 choose the bucket: they separate nearly all groups of the encoding. */
const BUCKET_SHIFT = 21;
const BUCKETS = 1 << (32 - BUCKET_SHIFT);

export class Decoder {
  readonly rows: readonly Row[];
  private readonly features: FeatureSet | undefined;
  /** The most specific pattern first. */
  private readonly sorted: readonly Row[];
  /** Candidates by the top bits, found when a word first asks: programs use few of all. */
  private readonly buckets: (readonly Row[] | undefined)[] = new Array(BUCKETS).fill(undefined);

  /** With `features`, a decoder of the CPU that has these; without, it knows all. */
  constructor(rows: readonly Row[], features?: FeatureSet) {
    this.rows = rows.filter(
      ({ feature }) => !features || typeof feature === 'function' || has(features, feature),
    );
    this.features = features;
    this.sorted = this.rows.toSorted((a, b) => bitCount(b.pattern.mask) - bitCount(a.pattern.mask));
  }

  /** The row and fields of a word, or undefined when it is unallocated (or not implemented). */
  decode(word: number): Decoded | undefined {
    const bucket = word >>> BUCKET_SHIFT;
    const candidates = (this.buckets[bucket] ??= this.candidates(bucket));
    for (const row of candidates) {
      if (((word ^ row.pattern.value) & row.pattern.mask) !== 0) continue;
      const fields = extractFields(row.pattern, word);
      if (row.when(fields) && row.valid(fields) && this.knows(row, fields)) return { row, fields };
    }
    return undefined;
  }

  private candidates(bucket: number): readonly Row[] {
    const top = bucket << BUCKET_SHIFT;
    const topMask = -1 << BUCKET_SHIFT;
    return this.sorted.filter(({ pattern }) => ((top ^ pattern.value) & pattern.mask & topMask) === 0);
  }

  private knows(row: Row, fields: RawFields): boolean {
    return !this.features || has(this.features, featureOf(row, fields));
  }
}

function bitCount(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) count++;
  return count;
}
