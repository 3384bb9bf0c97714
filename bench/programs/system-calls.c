/* The way into the kernel and back, and the clock that is read without going there. */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

BENCHMARK(syscall_getppid) {
    long calls = scaled(300000);
    double start = now();
    for (long i = 0; i < calls; i++) syscall(SYS_getppid);
    double seconds = now() - start;
    report("syscall_getppid", seconds / (double)calls * GIGA, "ns", seconds, 0);
}

BENCHMARK(vdso_clock_gettime) {
    long calls = scaled(500000);
    struct timespec time;
    double start = now();
    for (long i = 0; i < calls; i++) clock_gettime(CLOCK_MONOTONIC, &time);
    double seconds = now() - start;
    report("vdso_clock_gettime", seconds / (double)calls * GIGA, "ns", seconds, 0);
}
