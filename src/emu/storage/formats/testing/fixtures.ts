/** Small images of every format, recorded from the programs that make them (tools/oracle/images/fixtures.mjs). */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

export interface Fixture {
  readonly name: string;
  /** How it was made from `disk.img`, for a shell. */
  readonly recipe: string;
  readonly file: Uint8Array<ArrayBuffer>;
  /** Bytes at the end of the disk that the format has added: zeros. */
  readonly padding: number;
}

export interface RecordedFixture {
  readonly name: string;
  readonly recipe: string;
  readonly padding?: number;
  /** Raw deflate, base64. */
  readonly data: string;
}

export const FIXTURE_FILE = new URL('./images.vectors.json', import.meta.url);

export function readFixtures(): Fixture[] {
  const recorded: RecordedFixture[] = JSON.parse(readFileSync(FIXTURE_FILE, 'utf8'));
  return recorded.map(({ name, recipe, padding = 0, data }) => {
    const file = new Uint8Array(inflateRawSync(Buffer.from(data, 'base64')));
    return { name, recipe, file, padding };
  });
}

export function readFixture(name: string): Uint8Array<ArrayBuffer> {
  const fixture = readFixtures().find((candidate) => candidate.name === name);
  if (!fixture) throw new Error(`no fixture ${name}`);
  return fixture.file;
}
