/* The C library's sine, exponential and logarithm. */
#include "bench.h"
#include "benchmarks.h"

#include <math.h>

#define STEP 1e-3

BENCHMARK(libm_sin_exp_log) {
    long count = scaled(1000000);
    double sum = 0, start = now();
    for (long i = 0; i < count; i++) {
        double x = i * STEP;
        sum += sin(x) + exp(-x * STEP) + log(x + 1);
    }
    double seconds = now() - start;
    report("libm_sin_exp_log", (double)count * 3 / seconds / MEGA, "Mcall/s", seconds, (uint64_t)(sum * 1000));
}
