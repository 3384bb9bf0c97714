/** `npm run --silent image -- …`: starts the command line for disk images in the project's own Node. */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

const { npm_lifecycle_event: npmScript, INIT_CWD: userFolder } = process.env;

await runMain((args) => {
  ensureDependencies();
  // npm runs scripts in the project's folder; names of files are meant from where the user is.
  if (npmScript === 'image' && userFolder) process.chdir(userFolder);
  return runTypeScript('src/cli/image/main.ts', args);
});
