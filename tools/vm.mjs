/**
 * `npm run --silent vm -- …`: starts the command line (src/cli/main.ts) in the project's own Node, which has
 * a current engine for WebAssembly. Standard output is the guest's console and nothing else.
 */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

const { npm_lifecycle_event: npmScript, INIT_CWD: userFolder } = process.env;

await runMain((args) => {
  ensureDependencies();
  // npm runs scripts in the project's folder; names of files are meant from where the user is.
  if (npmScript === 'vm' && userFolder) process.chdir(userFolder);
  return runTypeScript('src/cli/main.ts', args);
});
