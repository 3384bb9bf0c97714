/* A thread signals itself: delivery, handler, return. The checksum counts the deliveries. */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int deliveries;

static void count_delivery(int number) {
    (void)number;
    deliveries++;
}

BENCHMARK(signal) {
    signal(SIGUSR1, count_delivery);
    long rounds = scaled(50000);
    pid_t process = getpid();
    long thread = syscall(SYS_gettid);
    double start = now();
    for (long i = 0; i < rounds; i++) syscall(SYS_tgkill, process, thread, SIGUSR1);
    double seconds = now() - start;
    report("signal", seconds / (double)rounds * GIGA, "ns", seconds, (uint64_t)deliveries);
}
