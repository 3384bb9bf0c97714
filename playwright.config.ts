/**
 * Browser tests, with the Chromium this computer has (BRAMBLE_CHROMIUM names another one). The server is the
 * one `npm start` uses, on a port of its own.
 */
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';
import { CHROMIUM_FLAGS } from './src/cli/chromium-flags.ts';

const CHROMIUM_PATHS = [process.env.BRAMBLE_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'];

const FIRST_PORT = 20_000;
const PORTS = 20_000;
const TEST_TIMEOUT_MS = 180_000;
const EXPECT_TIMEOUT_MS = 15_000;

// Test workers read this file again and inherit the environment, so all agree on the port.
process.env.BRAMBLE_E2E_PORT ??= String(FIRST_PORT + (process.pid % PORTS));
const port = process.env.BRAMBLE_E2E_PORT;
const address = `http://127.0.0.1:${port}/`;
const executablePath = CHROMIUM_PATHS.find((path) => path !== undefined && existsSync(path));

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  timeout: TEST_TIMEOUT_MS,
  expect: { timeout: EXPECT_TIMEOUT_MS },
  // A booting guest needs a core for itself.
  workers: 1,
  use: {
    baseURL: address,
    browserName: 'chromium',
    trace: 'retain-on-failure',
    launchOptions: {
      args: CHROMIUM_FLAGS,
      ...(executablePath === undefined ? {} : { executablePath }),
    },
  },
  webServer: {
    command: `node tools/start.mjs --port ${port} --no-open`,
    url: address,
    reuseExistingServer: false,
  },
});
