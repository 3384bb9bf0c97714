/** What is measured, as rows: the lines of bench/programs, commands of the guest's shell, boots. */

export type WorkloadClass = 'integer' | 'floating point and vector' | 'system' | 'programs' | 'boot';

export interface Workload {
  readonly name: string;
  readonly class: WorkloadClass;
  /** What is typed into the guest to get the line; `scaled` fits a count to the wanted amount of work. */
  readonly command: (scaled: (count: number) => number) => string;
}

/** The classes whose geomeans count towards a goal come first. */
export const CLASSES: readonly WorkloadClass[] = [
  'integer',
  'floating point and vector',
  'system',
  'boot',
  'programs',
];

const INTEGER = [
  'sieve',
  'crc32_table',
  'crc32_hw',
  'sha256_c',
  'fib32',
  'intdiv',
  'mpi_addmul',
  'qsort',
  'interp_goto',
  'memcpy16M',
  'memset16M_zero',
  'memcpy61B',
  'strlen_strcmp4K',
  'ptrchase64M',
  'ptrchase256K',
];

const FLOATING_POINT_AND_VECTOR = [
  'nbody',
  'mandelbrot',
  'libm_sin_exp_log',
  'neon_sgemm128',
  'neon_u8blend',
];

const SYSTEM = [
  'syscall_getppid',
  'vdso_clock_gettime',
  'pipe_pingpong',
  'fork_exit',
  'fork_exec',
  'pagefault',
  'mprotect_pair',
  'signal',
  'smc_same_addr',
  'smc_codegen16',
  'atomic_llsc_1t',
  'atomic_llsc_2t',
  'atomic_lse_1t',
  'atomic_lse_2t',
  'mutex_2t',
];

const lines = (workloadClass: WorkloadClass, names: readonly string[]): Workload[] =>
  names.map((name) => ({ name, class: workloadClass, command: () => `bramble-bench ${name}` }));

const program = (name: string, command: Workload['command']): Workload => ({
  name,
  class: 'programs',
  command: (scaled) => `bramble-bench --time ${name} ${command(scaled)}`,
});

export const GUEST_WORKLOADS: readonly Workload[] = [
  ...lines('integer', INTEGER),
  ...lines('floating point and vector', FLOATING_POINT_AND_VECTOR),
  ...lines('system', SYSTEM),
  program(
    'shell_loop',
    (scaled) => `sh -c 'i=0; while [ $i -lt ${scaled(100_000)} ]; do i=$((i+1)); done; echo $i'`,
  ),
  program(
    'shell_commands',
    (scaled) => `sh -c 'i=0; while [ $i -lt ${scaled(300)} ]; do /bin/true; i=$((i+1)); done; echo $i'`,
  ),
  program('gzip', (scaled) => `sh -c 'head -c ${scaled(1_500_000)} /bin/busybox | gzip -9c'`),
  program(
    'awk',
    (scaled) => `awk 'BEGIN { while (i++ < ${scaled(200_000)}) { s += i / 7; c[i % 97]++ } print s, c[5] }'`,
  ),
  program('sort', (scaled) => `sh -c 'seq ${scaled(60_000)} | rev | sort | tail -n 1000'`),
];

/** Boots to the prompt: `cryptomgr.notests` on the kernel's command line or not. */
export const BOOTS = [
  { name: 'boot', append: 'console=ttyAMA0 cryptomgr.notests' },
  { name: 'boot_with_tests', append: 'console=ttyAMA0' },
] as const;

export type BootName = (typeof BOOTS)[number]['name'];

export const PROMPT = /bramble:\S+# $/m;
