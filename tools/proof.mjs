/** `npm run proof:debian -- …`: test suites inside a Debian guest (tools/proof/main.ts) in the project's own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain((args) => {
  ensureDependencies();
  return runTypeScript('tools/proof/main.ts', args);
});
