/** The browser's worker: a machine of its own per worker. */
import { expose } from 'comlink';
import { createVirtualMachine } from '../emu/machine/virtual-machine.ts';
import { MachineHost } from './machine-host.ts';

expose(new MachineHost(createVirtualMachine, globalThis.crossOriginIsolated));
