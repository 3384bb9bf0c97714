import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectModules, elfSection, modulesAlias, modulesDep } from './kernel-modules.ts';

/** The smallest ELF64 file with a ".modinfo" section: a header, the section's bytes, names, three headers. */
function elfWithModinfo(modinfo: string): Uint8Array {
  const names = '\0.modinfo\0.shstrtab\0';
  const modinfoAt = 0x40;
  const namesAt = modinfoAt + modinfo.length;
  const tableAt = namesAt + names.length;
  const file = Buffer.alloc(tableAt + 3 * 0x40);
  file.write('\x7fELF', 0, 'latin1');
  file.writeBigUInt64LE(BigInt(tableAt), 0x28);
  file.writeUInt16LE(0x40, 0x3a);
  file.writeUInt16LE(3, 0x3c);
  file.writeUInt16LE(2, 0x3e);
  file.write(modinfo + names, modinfoAt, 'latin1');
  const section = (index: number, name: number, offset: number, size: number): void => {
    file.writeUInt32LE(name, tableAt + index * 0x40);
    file.writeBigUInt64LE(BigInt(offset), tableAt + index * 0x40 + 0x18);
    file.writeBigUInt64LE(BigInt(size), tableAt + index * 0x40 + 0x20);
  };
  section(1, 1, modinfoAt, modinfo.length);
  section(2, 10, namesAt, names.length);
  return file;
}

describe('elfSection', () => {
  it('finds a section by its name', () => {
    const bytes = elfSection(elfWithModinfo('alias=a\0'), '.modinfo');
    expect(Buffer.from(bytes).toString()).toBe('alias=a\0');
  });

  it('refuses what is no ELF file', () => {
    expect(() => elfSection(new Uint8Array(100), '.modinfo')).toThrow(/ELF/);
  });
});

describe('collectModules', () => {
  let root: string;

  const add = (path: string, modinfo: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), elfWithModinfo(modinfo));
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bramble-'));
    add('kernel/fs/ext4.ko', 'alias=fs-ext4\0depends=jbd2,crc16\0');
    add('kernel/fs/jbd2.ko', 'depends=crc16\0');
    add('kernel/lib/crc16.ko', 'depends=\0');
    add('kernel/drivers/virtio-rng.ko', 'alias=virtio:d00000004v*\0depends=rng-core\0');
    writeFileSync(join(root, 'modules.builtin'), 'kernel/drivers/rng-core.ko\n');
  });

  afterEach(() => rmSync(root, { recursive: true }));

  it('brings dependencies along, before what needs them, each once', () => {
    const names = collectModules(root, ['ext4', 'crc16']).map((module) => module.name);
    expect(names).toEqual(['crc16', 'jbd2', 'ext4']);
  });

  it('leaves out what the kernel has built in', () => {
    const names = collectModules(root, ['virtio_rng', 'rng_core']).map((module) => module.name);
    expect(names).toEqual(['virtio_rng']);
  });

  it('says which module there is not', () => {
    expect(() => collectModules(root, ['nothing'])).toThrow(/nothing/);
  });

  it('writes modules.dep with deeper dependencies last, and modules.alias', () => {
    const modules = collectModules(root, ['ext4', 'virtio_rng']);
    expect(modulesDep(modules)).toBe(
      [
        'kernel/drivers/virtio-rng.ko:',
        'kernel/fs/ext4.ko: kernel/fs/jbd2.ko kernel/lib/crc16.ko',
        'kernel/fs/jbd2.ko: kernel/lib/crc16.ko',
        'kernel/lib/crc16.ko:',
        '',
      ].join('\n'),
    );
    expect(modulesAlias(modules)).toBe('alias fs-ext4 ext4\nalias virtio:d00000004v* virtio_rng\n');
  });
});
