/**
 * `npm start [-- --host HOST --port PORT --no-open]`: install what is missing, build the default guest,
 * serve the page.
 */
import { ensureDependencies, runMain, runTypeScript } from './setup.mjs';

await runMain(async (args) => {
  ensureDependencies();
  const built = await runTypeScript('tools/images/build.ts', ['--if-missing']);
  if (built !== 0)
    console.log('The page starts without Linux; it offers a bare-metal guest and runs your own files.');
  return runTypeScript('tools/serve.ts', args);
});
