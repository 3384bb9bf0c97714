/**
 * Random stage 1 translations against what QEMU answered (tools/oracle/translation.mjs): each vector is one
 * walk's descriptors and the PAR_EL1 of reads and writes from EL1 and EL0.
 */
import { expect, it } from 'vitest';
import { CpuHarness } from '../testing/cpu-harness.ts';
import { isDevice, NORMAL_NON_CACHEABLE } from './regime.ts';
import vectors from './translation.vectors.json' with { type: 'json' };

const FORMS = ['AT S1E1R', 'AT S1E1W', 'AT S1E0R', 'AT S1E0W'];
const FAULT = 1n;
/** UNKNOWN outside Secure state. */
const NS = 1n << 9n;
/** QEMU 7.2 reports the descriptor's SH where the architecture asks for Outer Shareable. */
const SHAREABILITY = 3n << 7n;

const value = (text: string) => BigInt(`0x${text}`);

function comparable(par: bigint): string {
  if (par & FAULT) return par.toString(16);
  const attributes = Number(par >> 56n);
  const always = isDevice(attributes) || attributes === NORMAL_NON_CACHEABLE;
  return (par & ~NS & ~(always ? SHAREABILITY : 0n)).toString(16);
}

it('agrees with QEMU about every recorded translation', () => {
  const h = new CpuHarness();
  h.msr('MAIR_EL1', value(vectors.mair));
  h.msr('SCTLR_EL1', 1n);
  const differences: string[] = [];
  for (const [va, tcr, ttbr1, descriptors, answers] of vectors.rows as [
    string,
    string,
    string,
    string[],
    string[],
  ][]) {
    for (let i = 0; i < descriptors.length; i += 2) {
      h.poke(Number(value(descriptors[i]!)), value(descriptors[i + 1]!));
    }
    h.msr('TTBR1_EL1', value(ttbr1));
    h.msr('TCR_EL1', value(tcr));
    h.operate('TLBI VMALLE1');
    FORMS.forEach((form, i) => {
      h.operate(form, value(va));
      const [ours, theirs] = [comparable(h.get('PAR_EL1')), comparable(value(answers[i]!))];
      if (ours !== theirs) differences.push(`${form} ${va} TCR ${tcr}: ${ours}, not ${theirs}`);
    });
  }
  expect(differences).toEqual([]);
  expect(vectors.rows.length).toBeGreaterThanOrEqual(1000);
});
