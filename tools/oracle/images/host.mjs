/** Runs the tools that the comparisons of image formats need. */
import { spawnSync } from 'node:child_process';

const MOST_OUTPUT_BYTES = 2 ** 28;

/** Runs a line of shell; a status other than 0 ends the comparison with what it said. */
export function shell(line, folder) {
  const result = spawnSync('sh', ['-c', line], { cwd: folder, maxBuffer: MOST_OUTPUT_BYTES });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${line}: status ${result.status}\n${result.stdout}${result.stderr}`);
  return `${result.stdout}`;
}

/** The names of those tools that are missing. */
export function missingTools(tools) {
  return tools.filter((tool) => spawnSync(tool, ['--version']).error?.code === 'ENOENT');
}
