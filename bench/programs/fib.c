/* Fibonacci numbers the slow way: calls and returns, and little else. */
#include "bench.h"
#include "benchmarks.h"

#define ARGUMENT 32
/* How often fib is called for fib(32). */
#define CALLS 7049155

static APART int fib(int n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

BENCHMARK(fib32) {
    long rounds = scaled(1);
    int argument = ARGUMENT;
    uint64_t sum = 0;
    double start = now();
    for (long round = 0; round < rounds; round++) sum += (uint64_t)fib(argument);
    double seconds = now() - start;
    report("fib32", (double)rounds * CALLS / seconds / MEGA, "Mcall/s", seconds, sum);
}
