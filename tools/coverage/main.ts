/** `npm run coverage`: writes docs/coverage.md. */
import { writeFileSync } from 'node:fs';
import { coveragePage } from './coverage.ts';

writeFileSync(new URL('../../docs/coverage.md', import.meta.url), await coveragePage());
