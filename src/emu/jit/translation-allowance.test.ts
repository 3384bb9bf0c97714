/** What may be translated when. */
import { describe, expect, it } from 'vitest';
import { TranslationAllowance } from './translation-allowance.ts';

const SECOND = 1e9;

function allowanceAfter(seconds: number) {
  const clock = { now: 0, nowNs: () => clock.now };
  const allowance = new TranslationAllowance(clock);
  const wait = (more: number) => {
    clock.now += more * SECOND;
    allowance.update();
  };
  wait(seconds);
  const spendAll = () => {
    let count = 0;
    for (; !allowance.isScarce; count++) allowance.spend();
    return count;
  };
  return { allowance, wait, spendAll };
}

describe('TranslationAllowance', () => {
  it('is scarce for the first seconds', () => {
    expect(allowanceAfter(1.4).allowance.isScarce).toBe(true);
  });

  it('grows with time', () => {
    expect(allowanceAfter(2.5).spendAll()).toBe(100);
  });

  it('does not grow without bound', () => {
    expect(allowanceAfter(3600).spendAll()).toBe(400);
  });

  it('pays back what hot code has taken', () => {
    const { allowance, wait, spendAll } = allowanceAfter(1.5);
    for (let i = 0; i < 10; i++) allowance.spend();
    wait(0.05);
    expect(allowance.isScarce).toBe(true);
    wait(0.15);
    expect(spendAll()).toBe(10);
  });
});
