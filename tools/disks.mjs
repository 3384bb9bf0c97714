/** `npm run soak:disks` and `npm run bench:disks`: programs of tools/disks in the project's own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain(([name, ...args]) => {
  ensureDependencies();
  return runTypeScript(`tools/disks/${name}.ts`, args);
});
