import { describe, expect, it } from 'vitest';
import { HostProfile } from './profile.ts';
import { percent, SymbolTable } from './profile-text.ts';

describe('SymbolTable', () => {
  const table = new SymbolTable('ffff800008001000 T second\nffff800008000000 t first\nnot a symbol\n');

  it.each([
    ['ffff800008000000', 'ffff800008000000 first'],
    ['ffff800008000ffc', 'ffff800008000ffc first+0xffc'],
    ['ffff800008001010', 'ffff800008001010 second+0x10'],
    ['400000', '400000'],
  ])('describes %s', (address, text) => {
    expect(table.describe(address)).toBe(text);
  });
});

describe('percent', () => {
  it('lines up, and survives an empty whole', () => {
    expect(percent(1, 3)).toBe(' 33.3 %');
    expect(percent(0, 0)).toBe('  0.0 %');
  });
});

describe('HostProfile', () => {
  it('reports the time of what ran', async () => {
    const profile = new HostProfile(undefined);
    profile.start();
    const end = performance.now() + 60;
    while (performance.now() < end);
    const report = await profile.finish();
    expect(report).toMatch(/^busy \d+\.\d\d s/);
    expect(report).toContain('by tier:');
    expect(report).toMatch(/\d+\.\d % +\d+ ms {2}the host/);
  });
});
