/**
 * `npm run oracle:differential` and its sisters: starts a comparison with another implementation
 * (tools/oracle/NAME.mjs) in the project's own Node.
 */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain(([name, ...args]) => {
  ensureDependencies();
  return runTypeScript(`tools/oracle/${name}.mjs`, args);
});
