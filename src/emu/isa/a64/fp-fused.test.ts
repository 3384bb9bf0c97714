/** Fused operations on a host whose relaxed_madd rounds twice: the methods that fp-rows.test.ts leaves out where it fuses. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ORACLE_ROWS } from '../../fp/oracle-rows.ts';
import { vectorForms } from '../../testing/float-forms.ts';
import { FloatRowTester } from '../../testing/float-row-tester.ts';

vi.mock('../../wasm/host-fusion.ts', () => ({ HOST_FUSES: false }));

const CASES = 1600;
const FUSED = ['FMADD', 'FMSUB', 'FNMADD', 'FNMSUB', 'FRECPS', 'FRSQRTS', 'FMLAL', 'FMLSL', 'BFMLALB'];
const isFused = ({ group }: { readonly group: string }) => FUSED.includes(group);

describe('fused operations without help of the host', () => {
  let tester: FloatRowTester;
  beforeAll(async () => {
    tester = await FloatRowTester.create();
  });

  it.each(ORACLE_ROWS.filter(isFused).map((row) => [row.name, row] as const))(
    'give what BigInt gives for %s',
    (_, row) => {
      expect(tester.scalarDifferences(row, CASES)).toEqual([]);
    },
  );

  const vectors = ORACLE_ROWS.flatMap(vectorForms).filter(({ row }) => isFused(row));
  it.each(vectors.map((vector) => [vector.assembly, vector] as const))(
    'give what BigInt gives for %s',
    (_, vector) => {
      expect(tester.vectorDifferences(vector, CASES)).toEqual([]);
    },
  );
});
