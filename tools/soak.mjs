/** `npm run soak:mixed -- …`: keeps a guest busy and compares its results (tools/bench/soak.ts) in the project's own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

const { npm_lifecycle_event: npmScript, INIT_CWD: userFolder } = process.env;

await runMain((args) => {
  ensureDependencies();
  // npm runs scripts in the project's folder; names of files are meant from where the user is.
  if (npmScript === 'soak:mixed' && userFolder) process.chdir(userFolder);
  return runTypeScript('tools/bench/soak.ts', args);
});
