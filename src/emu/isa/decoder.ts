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
  private readonly buckets: readonly (readonly Row[])[];

  /** With `features`, a decoder of the CPU that has these; without, it knows all. */
  constructor(rows: readonly Row[], features?: FeatureSet) {
    this.rows = rows.filter(
      ({ feature }) => !features || typeof feature === 'function' || has(features, feature),
    );
    this.features = features;
    const sorted = this.rows.toSorted((a, b) => bitCount(b.pattern.mask) - bitCount(a.pattern.mask));
    this.buckets = Array.from({ length: BUCKETS }, (_, bucket) => {
      const top = bucket << BUCKET_SHIFT;
      const topMask = -1 << BUCKET_SHIFT;
      return sorted.filter(({ pattern }) => ((top ^ pattern.value) & pattern.mask & topMask) === 0);
    });
  }

  /** The row and fields of a word, or undefined when it is unallocated (or not implemented). */
  decode(word: number): Decoded | undefined {
    for (const row of this.buckets[word >>> BUCKET_SHIFT] ?? []) {
      if (((word ^ row.pattern.value) & row.pattern.mask) !== 0) continue;
      const fields = extractFields(row.pattern, word);
      if (row.when(fields) && row.valid(fields) && this.knows(row, fields)) return { row, fields };
    }
    return undefined;
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
