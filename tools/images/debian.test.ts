import { describe, expect, it } from 'vitest';
import { simulatedPackages } from './debian.ts';

describe('simulatedPackages', () => {
  it('reads names, versions and architectures when apt tells origins and new dependencies, too', () => {
    const text = [
      'NOTE: This is only a simulation!',
      'Inst gcc-12-base (12.2.0-14 Debian:12.14/stable [arm64]) [libc6:arm64 ]',
      'Inst libc6 (1:2.36-9 Debian:12.14/stable, Debian-Security:12/stable-security [arm64])',
      'Inst tzdata [2024a-0] (2026f-0 Debian:12.14/stable [all])',
      'Conf gcc-12-base (12.2.0-14 Debian:12.14/stable [arm64])',
    ].join('\n');
    expect(simulatedPackages(text)).toEqual([
      { name: 'gcc-12-base', version: '12.2.0-14', architecture: 'arm64' },
      { name: 'libc6', version: '1:2.36-9', architecture: 'arm64' },
      { name: 'tzdata', version: '2026f-0', architecture: 'all' },
    ]);
  });
});
