/**
 * `npm test [-- --unit | --e2e] [filter…]`: everything that must hold, on a fresh clone. Installs what is
 * missing, then lint, types, build, unit tests and browser tests; with a filter only the tests it selects.
 * The last line is "N passed, N failed"; a lint, type or build error counts as one failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies, projectFolder, runInstalled, runMain, runTypeScript } from './setup.mjs';

const reportFolder = join(projectFolder, '.cache', 'test');

/** What tests need besides npm packages: a command, and the Debian package that has it. */
const SYSTEM_TOOLS = [
  { commands: ['xz'], package: 'xz-utils', why: 'to unpack kernel modules', suite: 'unit' },
  {
    commands: [process.env.BRAMBLE_CHROMIUM ?? 'chromium', 'google-chrome'],
    package: 'chromium',
    why: 'for the browser tests',
    suite: 'e2e',
  },
];

function isThere(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Installs missing tools by apt where that is possible, and says so; otherwise says what to do. */
function ensureSystemTools(suites) {
  const missing = SYSTEM_TOOLS.filter((tool) => suites.has(tool.suite) && !tool.commands.some(isThere));
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tool.package);
  const reasons = missing.map((tool) => `${tool.package} ${tool.why}`).join(', ');
  if (!isThere('apt-get') || process.getuid?.() !== 0) {
    console.log(`test: please install ${reasons} (as root: apt-get install ${packages.join(' ')})`);
    return;
  }
  console.log(`test: installing ${reasons}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { stdio: 'inherit', env });
  apt('update');
  if (apt('install', '-y', '--no-install-recommends', ...packages).status !== 0) {
    console.log(`test: apt-get could not install ${packages.join(', ')}`);
  }
}

function readReport(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** A run that failed without a failed test (nothing loaded, no browser) still counts as one failure. */
function withStatus(counts, status) {
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

async function checkStep(name, command, args) {
  console.log(`\ntest: ${name}`);
  const status = await runInstalled(command, args);
  return { passed: 0, failed: status === 0 ? 0 : 1 };
}

async function unitTests(filters) {
  console.log('\ntest: unit tests');
  const report = join(reportFolder, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = await runInstalled('vitest', ['run', ...reporters, ...filters]);
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = readReport(report);
  return withStatus({ passed, failed }, status);
}

async function browserTests(filters) {
  console.log('\ntest: browser tests');
  const report = join(reportFolder, 'playwright.json');
  process.env.PLAYWRIGHT_JSON_OUTPUT_FILE = report;
  const status = await runInstalled('playwright', [
    'test',
    '--reporter=list,json',
    '--pass-with-no-tests',
    ...filters,
  ]);
  const { expected = 0, flaky = 0, unexpected = 0 } = readReport(report).stats ?? {};
  return withStatus({ passed: expected + flaky, failed: unexpected }, status);
}

await runMain(async (args) => {
  ensureDependencies();
  const filters = args.filter((arg) => arg !== '--unit' && arg !== '--e2e');
  const unitOnly = args.includes('--unit') || (filters.length > 0 && !args.includes('--e2e'));
  const suites = new Set(args.includes('--e2e') ? ['e2e'] : unitOnly ? ['unit'] : ['unit', 'e2e']);
  const wholeProject = filters.length === 0 && suites.has('unit');
  rmSync(reportFolder, { recursive: true, force: true });
  mkdirSync(reportFolder, { recursive: true });

  ensureSystemTools(suites);
  await runTypeScript('tools/images/build.ts', ['--if-missing']);
  const results = [];
  if (wholeProject) {
    results.push(await checkStep('lint and format', 'biome', ['check', '.']));
    results.push(await checkStep('types', 'tsc', ['-p', '.']));
    results.push(await checkStep('types of the engine alone', 'tsc', ['-p', 'tsconfig.engine.json']));
    results.push(await checkStep('build of the page', 'vite', ['build', '--logLevel', 'warn']));
  }
  if (suites.has('unit')) results.push(await unitTests(filters));
  if (suites.has('e2e')) results.push(await browserTests(filters));

  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') === 0 ? 0 : 1;
});
