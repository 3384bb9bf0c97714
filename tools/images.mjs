/** `npm run images [-- name… | --list | --if-missing]`: see tools/images/build.ts. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain((args) => {
  ensureDependencies();
  return runTypeScript('tools/images/build.ts', args);
});
