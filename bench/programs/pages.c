/* What a program asks of virtual memory: first touches of pages, and changes of protection. */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096
#define TOUCHED_BYTES (8 * MIB)
#define PROTECTED_BYTES (64 * KIB)

static char *map(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

BENCHMARK(pagefault) {
    long rounds = scaled(6);
    uint64_t sum = 0;
    double start = now();
    for (long round = 0; round < rounds; round++) {
        char *memory = map(TOUCHED_BYTES);
        if (!memory) return;
        madvise(memory, TOUCHED_BYTES, MADV_NOHUGEPAGE);
        for (size_t at = 0; at < TOUCHED_BYTES; at += PAGE_BYTES) memory[at] = 1;
        sum += (uint64_t)memory[PAGE_BYTES];
        munmap(memory, TOUCHED_BYTES);
    }
    double seconds = now() - start;
    double faults = (double)rounds * (TOUCHED_BYTES / PAGE_BYTES);
    report("pagefault", seconds / faults * GIGA, "ns/fault", seconds, sum);
}

BENCHMARK(mprotect_pair) {
    char *memory = map(PROTECTED_BYTES);
    if (!memory) return;
    memset(memory, 1, PROTECTED_BYTES);
    long rounds = scaled(20000);
    double start = now();
    for (long i = 0; i < rounds; i++) {
        mprotect(memory, PROTECTED_BYTES, PROT_READ);
        mprotect(memory, PROTECTED_BYTES, PROT_READ | PROT_WRITE);
        memory[0]++;
    }
    double seconds = now() - start;
    report("mprotect_pair", seconds / (double)rounds * GIGA, "ns", seconds, 0);
    munmap(memory, PROTECTED_BYTES);
}
