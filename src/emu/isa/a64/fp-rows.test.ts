/** The rows' use of the host's arithmetic against the BigInt algorithms. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FPCR, ROUNDING } from '../../fp/environment.ts';
import { ORACLE_ROWS, type OracleRow } from '../../fp/oracle-rows.ts';
import { vectorForms } from '../../testing/float-forms.ts';
import { FloatRowTester } from '../../testing/float-row-tester.ts';

const CASES = 120;
/** Sums of three bit ranges have the rarest mistakes. */
const FUSED_CASES = 1000;
const casesOf = (row: OracleRow) => (row.operands.length === 3 ? FUSED_CASES : CASES);

const SCALARS = ORACLE_ROWS.map((row) => [row.name, row] as const);
const VECTORS = ORACLE_ROWS.flatMap(vectorForms);

describe('floating-point rows in the default mode', () => {
  let tester: FloatRowTester;
  beforeAll(async () => {
    tester = await FloatRowTester.create();
  });

  it.each(SCALARS)('give what BigInt gives for %s', (_, row) => {
    expect(tester.scalarDifferences(row, casesOf(row))).toEqual([]);
  });

  it.each(VECTORS.map((vector) => [vector.assembly, vector] as const))(
    'give what BigInt gives for %s',
    (_, vector) => {
      expect(tester.vectorDifferences(vector, casesOf(vector.row))).toEqual([]);
    },
  );

  it('exist for vectors of all operations but those of scalars', () => {
    const operations = ORACLE_ROWS.filter(
      ({ result, operands }) => result === 'v0' && operands.every((kind) => kind === 's'),
    );
    const found = new Set(VECTORS.map(({ row }) => row.group));
    const missing = new Set(operations.map(({ group }) => group).filter((group) => !found.has(group)));
    expect([...missing]).toEqual(['FRECPX', 'FNMUL', 'FNMADD', 'FNMSUB', 'FCVT', 'BFCVT']);
  });
});

const FLUSHING = FPCR.FZ | FPCR.FZ16;
const OTHER_MODES = [
  { mode: 'flushing', fpcr: FLUSHING },
  { mode: 'flushing singles and doubles', fpcr: FPCR.FZ },
  { mode: 'flushing halves', fpcr: FPCR.FZ16 },
  { mode: 'default NaNs and alternative halves', fpcr: FPCR.DN | FPCR.AHP },
  { mode: 'rounding up', fpcr: ROUNDING.POSINF << FPCR.RMODE_SHIFT },
] as const;
const OTHER_CASES = 16;

describe.each(OTHER_MODES)('floating-point rows when $mode', ({ fpcr }) => {
  it('give what BigInt gives for scalars and vectors', async () => {
    const tester = await FloatRowTester.create(fpcr);
    const differences = [
      ...ORACLE_ROWS.flatMap((row) => tester.scalarDifferences(row, OTHER_CASES)),
      ...VECTORS.flatMap((vector) => tester.vectorDifferences(vector, OTHER_CASES)),
    ];
    expect(differences).toEqual([]);
  });
});
