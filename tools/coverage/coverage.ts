/**
 * The page docs/coverage.md, made from the instruction table: rows by group and feature, which of them have recorded
 * programs, and whether the instructions of real software (census.txt) have rows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CPU_PROFILES, type CpuProfile } from '../../src/emu/cpu/profiles.ts';
import { A64_ROWS, a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { ALIASES } from '../../src/emu/isa/aliases.ts';
import { ALL_FEATURES, announcement, type FeatureName } from '../../src/emu/isa/features.ts';
import type { Row } from '../../src/emu/isa/row.ts';
import { EXCLUDED } from '../../src/emu/testing/unpredictable.ts';
import { parseVectors, type VectorFile } from '../../src/emu/testing/vector-text.ts';

const GROUPS = new URL('../../src/emu/isa/a64/', import.meta.url);
const VECTORS = new URL('../../src/emu/testing/vectors/', import.meta.url);
const CENSUS = new URL('census.txt', import.meta.url);
/** Programs ask HWCAP before they use them. */
const SVE = ['whilelo', 'st1b', 'ld1b', 'cntb', 'pfalse', 'wrffr', 'rdffr', 'rdvl'];
const MIXED = 'by the word';

interface Group {
  readonly file: string;
  readonly rows: readonly Row[];
}

/** The files of the table, in alphabetical order, with the rows that they alone contribute. */
async function groups(): Promise<Group[]> {
  const files = readdirSync(GROUPS).filter((name) => !/\.test\.ts$|^index\.ts$/.test(name));
  const taken = new Set<string>();
  const all: Group[] = [];
  for (const file of files.toSorted()) {
    const exported = Object.values((await import(new URL(file, GROUPS).href)) as Record<string, unknown>);
    const names = exported
      .flatMap((value) => (Array.isArray(value) ? value : []))
      .map((row: Row) => row.name);
    const rows = A64_ROWS.filter(({ name }) => names.includes(name) && !taken.has(name));
    for (const { name } of rows) taken.add(name);
    if (rows.length > 0) all.push({ file, rows });
  }
  return all;
}

/** Rows that some recorded program contains. */
function recordedRows(): ReadonlySet<Row> {
  const files = readdirSync(VECTORS).filter((name) => name.endsWith('.json'));
  const vectors = files.flatMap((name) =>
    parseVectors(JSON.parse(readFileSync(new URL(name, VECTORS), 'utf8')) as VectorFile),
  );
  const words = vectors.flatMap((vector) => vector.words);
  return new Set(words.map((word) => a64Decoder.decode(word)?.row).filter((row) => row !== undefined));
}

const featureName = ({ feature }: Row): string =>
  typeof feature === 'function' ? MIXED : (feature ?? 'Armv8.0');
const mnemonicOf = (syntax: string) => /^[a-z0-9.]+/.exec(syntax)?.[0] ?? '';

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function groupTable(all: readonly Group[], recorded: ReadonlySet<Row>): string {
  return table(
    ['file', 'rows', 'of features', 'with recorded programs', 'without'],
    all.map(({ file, rows }) => {
      const tested = rows.filter((row) => recorded.has(row)).length;
      const features = [...new Set(rows.map(featureName))].join(', ');
      return [`\`${file}\``, rows.length, features, tested, rows.length - tested];
    }),
  );
}

function featureTable(recorded: ReadonlySet<Row>): string {
  const rowsOf = (feature: FeatureName) => A64_ROWS.filter((row) => row.feature === feature);
  const has = ({ features }: CpuProfile, feature: FeatureName) => features.has(feature);
  return table(
    ['feature', 'announced by', 'rows', 'recorded', 'CPUs'],
    ALL_FEATURES.map((feature) => {
      const rows = rowsOf(feature);
      const cpus = Object.values(CPU_PROFILES).filter((profile) => has(profile, feature));
      const tested = rows.filter((row) => recorded.has(row)).length;
      return [
        feature,
        announcement(feature),
        rows.length || '',
        rows.length ? tested : '',
        cpus.map(({ name }) => name).join(', '),
      ];
    }),
  );
}

function untested(recorded: ReadonlySet<Row>): string {
  const rows = A64_ROWS.filter((row) => !recorded.has(row));
  const reasons = Map.groupBy(rows, ({ name }) => EXCLUDED[name] ?? 'not yet recorded');
  return [...reasons]
    .map(([why, those]) => `- ${why}: ${those.map(({ name }) => name).join(', ')}`)
    .join('\n');
}

interface CensusEntry {
  readonly mnemonic: string;
  readonly occurrences: number;
}

function readCensus(): CensusEntry[] {
  const lines = readFileSync(CENSUS, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [mnemonic = '', occurrences] = line.split(' ');
    return { mnemonic, occurrences: Number(occurrences) };
  });
}

function census(): string {
  const known = new Set([...A64_ROWS, ...ALIASES].map(({ syntax }) => mnemonicOf(syntax)));
  known.add('b.cond');
  const entries = readCensus();
  // The forms on upper halves, PMULL2 and so on, are rows of the instruction without the 2.
  const isKnown = (mnemonic: string) => known.has(mnemonic) || known.has(mnemonic.replace(/2$/, ''));
  const without = entries.filter(({ mnemonic }) => !isKnown(mnemonic));
  const others = without.filter(({ mnemonic }) => !SVE.includes(mnemonic));
  const sum = (of: readonly CensusEntry[]) => of.reduce((total, { occurrences }) => total + occurrences, 0);
  const list = (of: readonly CensusEntry[]) =>
    of.map(({ mnemonic, occurrences }) => `\`${mnemonic}\` (${occurrences})`).join(', ');
  return `The instructions of a Debian installation's kernel and programs, counted by mnemonic:
${entries.length - without.length} of ${entries.length} mnemonics have rows, ${sum(entries) - sum(without)} of ${sum(entries)} instructions.
Of SVE, which no CPU here has: ${list(without.filter((entry) => !others.includes(entry)))}.
Others without a row: ${list(others) || 'none'}.`;
}

/** The whole page. */
export async function coveragePage(): Promise<string> {
  const recorded = recordedRows();
  const tested = A64_ROWS.filter((row) => recorded.has(row)).length;
  return `# Coverage

Made by \`npm run coverage\` from the instruction table; a test compares. ${A64_ROWS.length} rows, ${tested} of them in
recorded programs that QEMU ran, too ([differential-testing.md](differential-testing.md)).

## By group
Files of \`src/emu/isa/a64/\`, named after the groups of the manual (Arm ARM C4.1).

${groupTable(await groups(), recorded)}

## By feature
"${MIXED}" above: a row whose half-precision forms are FEAT_FP16 and whose others are Armv8.0. A feature without
rows is in system registers, system operations or the MMU.

${featureTable(recorded)}

## Rows without recorded programs
${untested(recorded)}

## Census
${census()}
`;
}
