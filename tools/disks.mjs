/** `npm run soak:disks`, `bench:disks` and `bench:debian`: programs of tools/disks in the project’s own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain(([name, ...args]) => {
  ensureDependencies();
  return runTypeScript(`tools/disks/${name}.ts`, args);
});
