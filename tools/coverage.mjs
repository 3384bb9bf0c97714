/** `npm run coverage`: starts tools/coverage/main.ts in the project's own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain((args) => {
  ensureDependencies();
  return runTypeScript('tools/coverage/main.ts', args);
});
