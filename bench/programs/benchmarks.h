/* The benchmarks by the names of the lines that they print, in the order in which they run. */
#pragma once

#define ALL_BENCHMARKS(ROW)                                                                   \
    /* integer */                                                                             \
    ROW(sieve) ROW(crc32_table) ROW(crc32_hw) ROW(sha256_c) ROW(fib32) ROW(intdiv)            \
    ROW(mpi_addmul) ROW(qsort) ROW(interp_goto) ROW(memcpy16M) ROW(memset16M_zero)            \
    ROW(memcpy61B) ROW(strlen_strcmp4K) ROW(ptrchase64M) ROW(ptrchase256K)                    \
    /* floating point and vector */                                                           \
    ROW(nbody) ROW(mandelbrot) ROW(libm_sin_exp_log) ROW(neon_sgemm128) ROW(neon_u8blend)     \
    /* system */                                                                              \
    ROW(syscall_getppid) ROW(vdso_clock_gettime) ROW(pipe_pingpong) ROW(fork_exit)            \
    ROW(fork_exec) ROW(pagefault) ROW(mprotect_pair) ROW(signal) ROW(smc_same_addr)           \
    ROW(smc_codegen16) ROW(atomic_llsc_1t) ROW(atomic_llsc_2t) ROW(atomic_lse_1t)             \
    ROW(atomic_lse_2t) ROW(mutex_2t)

/* Heads the function of one benchmark. */
#define BENCHMARK(name) void bench_##name(void)

#define DECLARE(name) BENCHMARK(name);
ALL_BENCHMARKS(DECLARE)
#undef DECLARE

/* The argument with which fork_exec starts this program again. */
#define DO_NOTHING "true"

/* Runs a program found in PATH, reports its time under `name` and a hash of its output; an exit status. */
int time_command(const char *name, char **command);
