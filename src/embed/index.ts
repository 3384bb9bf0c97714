/** What the library exports. */
export type {
  BootPhase,
  ByteSource,
  CreateMachine,
  DiskOptions,
  EngineMode,
  ExitReason,
  LoadProgress,
  LogLine,
  Machine,
  MachineError,
  MachineEvents,
  MachineOptions,
  MachineState,
  MachineStats,
} from './api.ts';
export { createMachine } from './create-machine.ts';
export type { DirectoryEntry, DiskFiles, DiskVolume, PathOnDisk } from './disk-files.ts';
export { DiskError, type DiskInfo, type DiskLibrary } from './disk-library.ts';
export { openDiskLibrary } from './stored-disks.ts';
