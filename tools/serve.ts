/**
 * Serves the page with Vite's development server and prints its address. Without --port the first free port
 * from the default on is taken; a port that was asked for must be free.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 5173;

/** What opens an address in the user's browser, by platform. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['xdg-open'],
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

function hasDisplay(): boolean {
  if (process.env.CI !== undefined || !process.stdout.isTTY) return false;
  if (process.platform !== 'linux') return true;
  return process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
}

function openBrowser(address: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? [];
  if (command === undefined) return;
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  // A computer without that command is no failure: the address is printed anyway.
  child.on('error', () => {});
  child.unref();
}

async function serve(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: DEFAULT_HOST },
      port: { type: 'string' },
      'no-open': { type: 'boolean', default: false },
    },
  });
  const server = await createServer({
    root: fileURLToPath(new URL('..', import.meta.url)),
    clearScreen: false,
    logLevel: 'warn',
    server: {
      host: values.host,
      port: values.port === undefined ? DEFAULT_PORT : Number(values.port),
      strictPort: values.port !== undefined,
    },
  });
  await server.listen();
  const address = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0];
  if (address === undefined) throw new Error('the server has no address');
  console.log(`Bramble is at ${address} (Ctrl-C stops it)`);
  if (!values['no-open'] && hasDisplay()) openBrowser(address);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Open pages keep connections alive, so closing politely could take for ever.
    process.once(signal, () => process.exit(0));
  }
}

try {
  await serve();
} catch (error) {
  console.error(`serve: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
