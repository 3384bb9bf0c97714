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
  /** Candidates by the top bits, the most specific pattern first. */
  private readonly buckets: readonly Row[][] = Array.from({ length: BUCKETS }, () => []);

  /** With `features`, a decoder of the CPU that has these; without, it knows all. */
  constructor(rows: readonly Row[], features?: FeatureSet) {
    this.rows = rows.filter(
      ({ feature }) => !features || typeof feature === 'function' || has(features, feature),
    );
    this.features = features;
    for (const row of this.rows.toSorted((a, b) => bitCount(b.pattern.mask) - bitCount(a.pattern.mask)))
      for (const bucket of bucketsOf(row)) this.buckets[bucket]?.push(row);
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

/** The values of the top bits that words of a row can have. */
function* bucketsOf({ pattern: { mask, value } }: Row): Generator<number> {
  const free = ~(mask >>> BUCKET_SHIFT) & (BUCKETS - 1);
  for (let bits = free; ; bits = (bits - 1) & free) {
    yield (value >>> BUCKET_SHIFT) | bits;
    if (bits === 0) return;
  }
}

function bitCount(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) count++;
  return count;
}
