/**
 * FSInfo of FAT32: how many clusters are free and where to look for one. It is a hint that others trust, so it
 * is set to "unknown" before a change and to the new count after it.
 */
import type { Section } from '../section.ts';
import { structure } from '../structure.ts';
import type { AllocationTable } from './allocation-table.ts';
import type { FatGeometry } from './boot-sector.ts';

const SECTOR_BYTES = 512;
const LEAD_SIGNATURE = 0x4161_5252;
const SIGNATURE = 0x6141_7272;
const UNKNOWN = 0xffff_ffff;

const Info = structure({
  leadSignature: [0, 'u32'],
  signature: [484, 'u32'],
  freeClusters: [488, 'u32'],
  nextFree: [492, 'u32'],
});

export class InfoSector {
  private readonly section: Section;
  private readonly geometry: FatGeometry;
  private readonly table: AllocationTable;

  constructor(section: Section, geometry: FatGeometry, table: AllocationTable) {
    this.section = section;
    this.geometry = geometry;
    this.table = table;
  }

  /** Runs a change of the table, which says how many more clusters are free after it. */
  async around(change: () => Promise<number>): Promise<void> {
    const { infoStart, clusterCount } = this.geometry;
    if (infoStart === undefined) return void (await change());
    const bytes = await this.section.read(infoStart, SECTOR_BYTES);
    const { leadSignature, signature, freeClusters } = Info.read(bytes);
    if (leadSignature !== LEAD_SIGNATURE || signature !== SIGNATURE) return void (await change());
    Info.write(bytes, { freeClusters: UNKNOWN, nextFree: UNKNOWN });
    await this.section.write(infoStart, bytes);
    await this.section.flush();
    const gained = await change();
    const isKnown = freeClusters <= clusterCount && freeClusters + gained >= 0;
    const free = isKnown ? freeClusters + gained : await this.table.countFree();
    Info.write(bytes, { freeClusters: free });
    await this.section.write(infoStart, bytes);
    await this.section.flush();
  }
}
