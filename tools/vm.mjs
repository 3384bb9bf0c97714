/**
 * `npm run --silent vm -- …`: starts the command line (src/cli/main.ts) in the project's own Node, which has
 * a current engine for WebAssembly. Standard output is the guest's console and nothing else.
 */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain((args) => {
  ensureDependencies();
  return runTypeScript('src/cli/main.ts', args);
});
