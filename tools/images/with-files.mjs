/** `node tools/images/with-files.mjs base.cpio.gz out.cpio.gz host:/guest/path…`: see with-files.ts. */
import { ensureDependencies, runMain, runTypeScript } from '../setup.mjs';

await runMain((args) => {
  ensureDependencies();
  return runTypeScript('tools/images/with-files.ts', args);
});
