/**
 * A disk of the library as other programs see it: its changes, exported, over the image that was imported. A copy
 * is recovered as a boot would do it, must be clean for `e2fsck -fn`, and must hold every flushed file.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSource } from '../../src/cli/file-source.ts';
import { FileStore } from '../../src/cli/file-store.ts';
import { openImage } from '../../src/emu/storage/formats/open-image.ts';
import { recordFault } from './records.ts';

/** Below /root of the guest. */
export const FOLDER = 'soak';
export const FILE_PLACES = 512;
export const PIECE_BYTES = 4096;
/** Files have 1 to so many pieces. */
export const SIZES = 16;
/** More than the changes of a disk can take. */
const ROOM_BYTES = 2 ** 32;
const TOOLS = ['xz', 'cp', 'e2fsck', 'debugfs'];
/** e2fsck(8): 1 is "errors corrected", which includes a journal that was replayed. */
const CORRECTED = 1;
/** Said when a disk is marked as damaged, which is then mended, too. */
const NOT_JUST_RECOVERED = 'check forced';
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8' };

export class DiskOutside {
  /** Where the page sends a qcow2 file of the changes; what lies behind that file’s end is left from earlier. */
  readonly changes: { readonly store: FileStore; close(): Promise<void> };
  /** Copies whose journal had to be replayed. */
  replays = 0;
  #isKept = false;
  readonly #folder: string;

  /** @throws {Error} in words, when a tool is missing */
  static unpack(image: string): DiskOutside {
    const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version'], { env: environment }).error);
    if (missing.length > 0) throw new Error(`this needs ${missing.join(', ')}`);
    const folder = mkdtempSync(join(tmpdir(), 'bramble-outside-'));
    const base = openSync(join(folder, 'base.img'), 'w');
    const { status, stderr } = spawnSync('xz', ['-dc', image], { stdio: ['ignore', base, 'pipe'] });
    closeSync(base);
    if (status !== 0) throw new Error(`xz: ${stderr}`);
    return new DiskOutside(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
    const path = this.#path('changes.qcow2');
    closeSync(openSync(path, 'w'));
    truncateSync(path, ROOM_BYTES);
    const store = new FileStore(path, false);
    this.changes = { store, close: async () => store.close() };
  }

  /** What is wrong with the disk when files up to `last` were flushed; then everything is left to be looked at. */
  async check(last: number): Promise<string | undefined> {
    const work = this.#path('work.img');
    await this.#compose(work);
    const recovered = await run('e2fsck', ['-p', work]);
    if (recovered.text.includes('recovering journal')) this.replays++;
    const isRecovered = recovered.status <= CORRECTED && !recovered.text.includes(NOT_JUST_RECOVERED);
    const checked = isRecovered ? await run('e2fsck', ['-fn', work]) : recovered;
    const isClean = isRecovered && checked.status === 0;
    const fault = isClean ? await this.#filesFault(work, last) : checked.text;
    if (fault === undefined) return undefined;
    this.#isKept = true;
    return `${fault}\nthe disk is ${work}`;
  }

  close(): void {
    if (!this.#isKept) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All that the changes hold goes over a copy of the image, also zeros. */
  async #compose(target: string): Promise<void> {
    await mustRun('cp', ['--sparse=always', this.#path('base.img'), target]);
    const source = new FileSource(this.#path('changes.qcow2'));
    const file = openSync(target, 'r+');
    try {
      const image = await openImage(source);
      truncateSync(target, image.size);
      for await (const { offset, length } of image.ranges()) {
        const bytes = new Uint8Array(length);
        await image.read(offset, bytes);
        writeSync(file, bytes, 0, length, offset);
      }
    } finally {
      closeSync(file);
      source.close();
    }
  }

  async #filesFault(disk: string, last: number): Promise<string | undefined> {
    const out = this.#path('files');
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    await mustRun('debugfs', ['-R', `rdump /root/${FOLDER} ${out}`, disk]);
    for (let place = 0; place < FILE_PLACES; place++) {
      const path = join(out, FOLDER, String(place));
      const bytes = existsSync(path) ? readFileSync(path) : new Uint8Array(0);
      const sizeOf = (number: number): number => (1 + (number % SIZES)) * PIECE_BYTES;
      const fault = recordFault(bytes, place, FILE_PLACES, last, sizeOf);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

async function mustRun(tool: string, args: readonly string[]): Promise<void> {
  const { status, text } = await run(tool, args);
  if (status !== 0) throw new Error(`${tool}: ${text}`);
}

/** Beside the browser, which is not waited for. */
function run(tool: string, args: readonly string[]): Promise<{ status: number; text: string }> {
  const child = spawn(tool, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status: status ?? -1, text }));
  });
}
