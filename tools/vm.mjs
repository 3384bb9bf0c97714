/**
 * Starts the command line (src/cli/main.ts) in the project's own Node, which runs TypeScript as it is and
 * has a current engine for WebAssembly. This file itself runs in any Node from 20 on.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const SIGNAL_STATUS_BASE = 128;

if (!existsSync(node)) {
  process.stderr.write('vm: the packages are not installed yet: run "npm install" first\n');
  process.exit(1);
}

const child = spawn(node, ['--no-warnings', main, ...process.argv.slice(2)], { stdio: 'inherit' });
// A terminal sends its signals to both processes, and the child decides; others are passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (status, signal) => {
  process.exit(status ?? SIGNAL_STATUS_BASE + (signal ? constants.signals[signal] : 0));
});
