import { describe, expect, it } from 'vitest';
import { extractFields, insertFields, parsePattern, signed } from './pattern.ts';

describe('parsePattern', () => {
  it('derives mask, value and field positions when a pattern has 32 bits', () => {
    const pattern = parsePattern('sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5');
    expect(pattern.mask).toBe(0x7f80_0000);
    expect(pattern.value).toBe(0x1100_0000);
    expect(pattern.fields).toEqual([
      { name: 'sf', low: 31, width: 1 },
      { name: 'sh', low: 22, width: 1 },
      { name: 'imm12', low: 10, width: 12 },
      { name: 'Rn', low: 5, width: 5 },
      { name: 'Rd', low: 0, width: 5 },
    ]);
  });

  it('keeps the top bit unsigned when it is fixed to one', () => {
    const { mask, value } = parsePattern('11 imm30:30');
    expect(mask).toBe(0xc000_0000);
    expect(value).toBe(0xc000_0000);
  });

  it('throws when the bits are not 32', () => {
    expect(() => parsePattern('sf:1 0101')).toThrow(/has 5 bits/);
    expect(() => parsePattern('0 imm32:32')).toThrow(/has 33 bits/);
  });

  it('throws when a token is neither bits nor a field', () => {
    expect(() => parsePattern('01x 0 imm28:28')).toThrow(/bad token "01x"/);
  });
});

describe('fields', () => {
  const pattern = parsePattern('sf:1 00 100101 hw:2 imm16:16 Rd:5');

  it('come back when they were inserted', () => {
    const fields = { sf: 1, hw: 2, imm16: 0xbeef, Rd: 30 };
    const word = insertFields(pattern, fields);
    expect(word).toBe(0x92d7_ddfe);
    expect(extractFields(pattern, word)).toEqual(fields);
  });

  it('lose the bits that do not fit when they are inserted', () => {
    expect(extractFields(pattern, insertFields(pattern, { hw: -1, Rd: 33 }))).toEqual({
      sf: 0,
      hw: 3,
      imm16: 0,
      Rd: 1,
    });
  });

  it('are signed by their top bit', () => {
    expect([signed(0x1ff, 9), signed(0x100, 9), signed(0xff, 9), signed(1, 1)]).toEqual([-1, -256, 255, -1]);
  });
});
