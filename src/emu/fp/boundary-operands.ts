/**
 * Every combination of operands from the edges of a format, as TestFloat's first level has it: exponents at the ends
 * of the range, around one, where integers and shorter formats end and where a fraction is shifted out; fractions
 * next to zero, to halfway and to all ones; both signs. With the largest exponent these are infinities and NaNs with
 * payloads, quiet and signalling. For the oracle command; random operands are in hard-operands.ts.
 */
import { BFLOAT, DOUBLE, type FloatFormat, HALF, SINGLE } from './format.ts';
import type { OperandKind } from './oracle-rows.ts';

/** Powers of two where integers and other formats begin or end. */
const NOTABLE_POWERS = [-149, -126, -24, -14, 15, 16, 31, 32, 63, 64, 127, 128];
const INTEGER_LENGTHS = [8, 11, 12, 16, 24, 25, 31, 32, 52, 53, 54, 62, 63];

function edgeExponents({ minimumExponent, exponentOnes, fractionBits }: FloatFormat): number[] {
  const bias = 1 - minimumExponent;
  const ends = [0, 1, 2, exponentOnes - 2, exponentOnes - 1, exponentOnes];
  const aroundOne = [-fractionBits - 2, -fractionBits - 1, -fractionBits, -2, -1, 0, 1, 2];
  const above = [fractionBits - 1, fractionBits, fractionBits + 1, fractionBits + 2];
  const powers = [...aroundOne, ...above, ...NOTABLE_POWERS].map((power) => bias + power);
  const inRange = powers.filter((exponent) => exponent >= 0 && exponent <= exponentOnes);
  return [...new Set([...ends, ...inRange])];
}

/** Besides the ends: halfway between two numbers of the next shorter format, and a unit to each side. */
function edgeFractions({ fractionBits, fractionMask, quietBit }: FloatFormat): bigint[] {
  const shorter = [BFLOAT, HALF, SINGLE]
    .map((format) => fractionBits - format.fractionBits)
    .filter((n) => n > 0);
  const halfway = shorter.flatMap((dropped) => {
    const half = 1n << BigInt(dropped - 1);
    return [half - 1n, half, half + 1n, fractionMask ^ half];
  });
  const ends = [0n, 1n, 2n, fractionMask - 1n, fractionMask, quietBit - 1n, quietBit, quietBit + 1n];
  return [...new Set([...ends, ...halfway])];
}

function edgesOf(format: FloatFormat): readonly bigint[] {
  const fractions = edgeFractions(format);
  return edgeExponents(format).flatMap((exponent) =>
    fractions.flatMap((fraction) => {
      const positive = (BigInt(exponent) << format.fractionShift) | fraction;
      return [positive, positive | format.signBit];
    }),
  );
}

/** Powers of two and their neighbours, of both signs. */
function edgeIntegers(width: 32 | 64): readonly bigint[] {
  const lengths = [0, 1, ...INTEGER_LENGTHS, width - 1].filter((length) => length < width);
  const values = lengths.flatMap((length) => {
    const power = 1n << BigInt(length);
    return [power - 1n, power, power + 1n, power + (power >> 1n), -power, -power - 1n, 1n - power];
  });
  return [...new Set(values.map((value) => BigInt.asUintN(width, value)))];
}

/** Two numbers that differ: what pairs of all kinds give is tested by random operands. */
function edgePairs(format: FloatFormat): readonly bigint[] {
  const edges = edgesOf(format);
  return edges.map((low, at) => low | ((edges.at(-1 - at) ?? 0n) << BigInt(format.width)));
}

/** Low and high words of patterns. */
const words = (patterns: readonly bigint[]) => new Int32Array(BigUint64Array.from(patterns).buffer);

const EDGES: Readonly<Record<OperandKind, Int32Array>> = {
  h: words(edgesOf(HALF)),
  b: words(edgesOf(BFLOAT)),
  hh: words(edgePairs(HALF)),
  bb: words(edgePairs(BFLOAT)),
  ss: words(edgePairs(SINGLE)),
  s: words(edgesOf(SINGLE)),
  d: words(edgesOf(DOUBLE)),
  w: words(edgeIntegers(32)),
  x: words(edgeIntegers(64)),
};

/** How many combinations there are. */
export function boundaryCases(kinds: readonly OperandKind[]): number {
  return kinds.reduce((product, kind) => product * (EDGES[kind].length / 2), 1);
}

/** Writes combination `index`, of fewer than boundaryCases: low and high word of each operand in turn. */
export function boundaryOperands(kinds: readonly OperandKind[], index: number, out: Int32Array): void {
  let rest = index;
  for (let operand = 0; operand < kinds.length; operand++) {
    const edges = EDGES[kinds[operand]!];
    const count = edges.length / 2;
    const next = Math.floor(rest / count);
    const at = 2 * (rest - next * count);
    out[2 * operand] = edges[at]!;
    out[2 * operand + 1] = edges[at + 1]!;
    rest = next;
  }
}
