/** A small fsck for tests: every chain ends, fits the size of its file, and shares no cluster with another. */
import type { BlockStore } from '../../block-store.ts';
import { readGeometry } from '../fat/boot-sector.ts';
import { FatFileSystem, type OpenDirectory } from '../fat/fat-files.ts';
import { Section } from '../section.ts';

/** What is wrong, a line each; clusters that belong to no file are not looked for. */
export async function fatProblems(store: BlockStore): Promise<string[]> {
  const section = new Section(store);
  const geometry = await readGeometry(section);
  if (!geometry) return ['there is no FAT'];
  const files = new FatFileSystem(section, geometry);
  const owners = new Map<number, string>();
  const problems: string[] = [];
  const claim = async (path: string, first: number): Promise<number> => {
    let count = 0;
    for await (const run of files.table.runs(first, path)) {
      for (let cluster = run.first; cluster < run.first + run.count; cluster++, count++) {
        const owner = owners.get(cluster);
        if (owner) problems.push(`cluster ${cluster} belongs to ${owner} and ${path}`);
        owners.set(cluster, path);
      }
    }
    return count;
  };
  const visit = async (directory: OpenDirectory): Promise<void> => {
    for (const entry of directory.entries) {
      const path = `${directory.path}/${entry.name}`;
      const clusters = entry.cluster === 0 ? 0 : await claim(path, entry.cluster);
      if (entry.isDirectory) await visit(await files.openEntry(directory, entry));
      else if (clusters !== Math.ceil(entry.size / geometry.clusterBytes))
        problems.push(`${path} has ${clusters} clusters for ${entry.size} bytes`);
    }
  };
  await visit(await files.openRoot());
  return problems;
}
