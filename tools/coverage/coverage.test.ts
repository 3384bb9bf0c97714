import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coveragePage } from './coverage.ts';

describe('docs/coverage.md', () => {
  it('is what npm run coverage makes', async () => {
    const page = readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8');
    expect(page, 'run npm run coverage').toBe(await coveragePage());
  });

  it('finds a row for every instruction of the census but those of SVE', async () => {
    expect(await coveragePage()).toContain('Others without a row: none.');
  });
});
