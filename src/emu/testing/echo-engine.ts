/** Stands in for the engine in tests of what surrounds it. */
export { createEchoMachine as createVirtualMachine } from './echo-machine.ts';
