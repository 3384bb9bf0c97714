/* The C library's qsort over random numbers: a merge sort that compares through a function pointer. */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>

#define COUNT 200000

static int compare(const void *left, const void *right) {
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    return x < y ? -1 : x > y;
}

BENCHMARK(qsort) {
    uint32_t *numbers = allocate(COUNT * (long)sizeof *numbers);
    long rounds = scaled(3);
    uint64_t sum_of_medians = 0;
    double start = now();
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < COUNT; i++) numbers[i] = (uint32_t)next_random();
        qsort(numbers, COUNT, sizeof *numbers, compare);
        sum_of_medians += numbers[COUNT / 2];
    }
    double seconds = now() - start;
    report("qsort", (double)rounds * COUNT / seconds / MEGA, "Melem/s", seconds, sum_of_medians);
    free(numbers);
}
