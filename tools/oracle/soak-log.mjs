/**
 * docs/soak-log.md: what long comparisons have covered, a row of its table for each run: when, at which commit, what,
 * the seeds, how many cases, how many of them differed. A run keeps its row up to date, so that it may be stopped.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const LOG = new URL('../../docs/soak-log.md', import.meta.url);
const ISO_DAY = 10;

/** The commit, with a mark when tracked files differ from it. */
function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: new URL('.', LOG), encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ':!/docs/soak-log.md');
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' and changes' : ''}`;
}

export class SoakLog {
  #what;
  #unit;
  #commit = commit();
  #day = new Date().toISOString().slice(0, ISO_DAY);
  #seeds = [];
  #cases = 0;
  #differences = 0;
  #row;

  /** `unit` is what is counted. */
  constructor(what, unit) {
    this.#what = what;
    this.#unit = unit;
  }

  /** Adds cases of a seed and writes the row; `part` says what of the first seed has been done. */
  add(seed, cases, differences, part) {
    this.#seeds.push(seed);
    this.#cases += cases;
    this.#differences += differences;
    const [first, last] = [this.#seeds[0], this.#seeds.at(-1)];
    const cells = [
      this.#day,
      this.#commit,
      part === undefined ? this.#what : `${this.#what}, ${part}`,
      first === last ? first : `${first}–${last}`,
      `${this.#cases.toLocaleString('en-US')} ${this.#unit}`,
      this.#differences,
    ];
    const row = `| ${cells.join(' | ')} |`;
    // Several runs may write at the same time: each replaces its own row only.
    const text = readFileSync(LOG, 'utf8');
    const known = this.#row && text.includes(this.#row);
    writeFileSync(LOG, known ? text.replace(this.#row, row) : `${text.trimEnd()}\n${row}\n`);
    this.#row = row;
  }
}
