/**
 * Makes one layer of two that the same disks need, one over the other: a disk that was cloned and changed in
 * turn would otherwise have a layer for each time. Never a disk's top, so what a reset leads to stays.
 *
 * Invariant: after every batch each disk shows what it showed before. A chunk moves down in one batch, and
 * both layers together show the same wherever it is.
 */
import { StorageError } from './block-store.ts';
import type { CatalogueChanges, ChangePorts } from './catalogue-changes.ts';
import { keepTogether, type LayerChunks } from './chunk-batches.ts';
import { layersOfChanges } from './disk-layers.ts';
import type { Release } from './disk-locks.ts';
import { type LayerRecord, LibraryState } from './disk-records.ts';
import { openChunks } from './layer-chunks.ts';
import type { RecordStore } from './record-store.ts';

/** Moved in one batch. */
const BATCH_BYTES = 8 << 20;

/** Two neighbours that can become one: `upper` shows `lower` where it has nothing. */
interface Mergeable {
  readonly upper: LayerRecord;
  readonly lower: LayerRecord;
  /** Disks that show both. */
  readonly users: readonly string[];
}

/** Makes one layer of the next two whose disks are free; resolves with whether there were any. */
export async function mergeTwo(ports: ChangePorts, changes: CatalogueChanges): Promise<boolean> {
  const { records, locks } = ports;
  const found = findMergeable(await LibraryState.read(records));
  const releases: Release[] = [];
  try {
    for (const user of found?.users ?? []) {
      const release = await locks.tryHold(user, 'write');
      if (!release) return false;
      releases.push(release);
    }
    // Whoever could change these layers needs one of these locks, or had it until now.
    const pair = findMergeable(await LibraryState.read(records));
    if (!found || !pair || found.upper.id !== pair.upper.id) return false;
    if (pair.users.some((user) => !found.users.includes(user))) return false;
    await changes.make(async (state) => ({ next: state.with([], widen(pair)), result: undefined }));
    await moveAll(pair, ports);
    await changes.make(async (state) => ({
      next: state.with([], withoutUpper(pair, state)),
      result: undefined,
    }));
    return true;
  } finally {
    for (const release of releases) release();
  }
}

function findMergeable(state: LibraryState): Mergeable | undefined {
  for (const disk of state.disks.values()) {
    // An imported image stays as it came: what was changed since then can be brought out alone.
    const [, ...shared] = layersOfChanges(disk, state.chain(disk));
    for (const [index, upper] of shared.entries()) {
      const lower = shared[index + 1];
      if (!lower || !canMerge(upper, lower)) continue;
      const users = state.usersOf(upper.id).map(({ id }) => id);
      if (state.usersOf(lower.id).length === users.length) return { upper, lower, users };
    }
  }
  return undefined;
}

/** Images on servers stay as they are, and chunks of two sizes do not fit into each other. */
function canMerge(upper: LayerRecord, lower: LayerRecord): boolean {
  const areHere = !upper.remote && !lower.remote;
  const showsAll = (upper.below?.bytes ?? 0) >= lower.sizeBytes;
  return areHere && showsAll && upper.chunkBytes === lower.chunkBytes;
}

/** `lower` gets the size of `upper`, so that everything there can move down; zeros show in what is new. */
function widen({ upper, lower }: Mergeable): readonly [LayerRecord, LayerRecord] {
  const { sizeBytes } = upper;
  return [
    { ...upper, below: { layer: lower.id, bytes: sizeBytes } },
    { ...lower, sizeBytes },
  ];
}

/** Moves all chunks and holes of `upper` down; nobody may have a disk open that shows them. */
async function moveAll({ upper, lower }: Mergeable, ports: ChangePorts): Promise<void> {
  const source = await openChunks(ports, upper, 'write');
  try {
    const target = await openChunks(ports, lower, 'write');
    try {
      const numbers = source.numbers();
      const step = BATCH_BYTES / upper.chunkBytes;
      for (let at = 0; at < numbers.length; at += step) {
        await move(numbers.slice(at, at + step), source, target, lower, ports.records);
      }
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

async function move(
  numbers: readonly number[],
  source: LayerChunks,
  target: LayerChunks,
  lower: LayerRecord,
  records: RecordStore,
): Promise<void> {
  const contents = await source.getMany(numbers);
  const hidingBytes = lower.below?.bytes ?? 0;
  const puts = new Map<number, Uint8Array>();
  const deletes: number[] = [];
  for (const [index, number] of numbers.entries()) {
    const bytes = contents[index];
    if (!bytes) throw new StorageError('io', `chunk ${number} of a layer is gone from the storage`);
    // Zeros that hide nothing are no chunk at all.
    if (bytes.length === 0 && number * lower.chunkBytes >= hidingBytes) deletes.push(number);
    else puts.set(number, bytes);
  }
  const changes = [target.prepare({ puts, deletes }), source.prepare({ puts: new Map(), deletes: numbers })];
  await keepTogether(records, changes, 'strict');
}

/** Layers that showed `upper` show `lower` in its place. */
function withoutUpper({ upper, lower }: Mergeable, state: LibraryState): LayerRecord[] {
  return [...state.layers.values()].flatMap((layer) =>
    layer.below?.layer === upper.id ? [{ ...layer, below: { ...layer.below, layer: lower.id } }] : [],
  );
}
