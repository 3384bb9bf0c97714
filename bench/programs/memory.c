/* The C library's memory and string functions: large blocks, short blocks, and strings of 4 KB. */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (16 * MIB)
#define BLOCK_ROUNDS 24

/* Two blocks whose pages are there, filled with different bytes. */
static void make_blocks(char **target, char **source) {
    *target = allocate(BLOCK_BYTES);
    *source = allocate(BLOCK_BYTES);
    memset(*target, 1, BLOCK_BYTES);
    memset(*source, 2, BLOCK_BYTES);
}

BENCHMARK(memcpy16M) {
    char *target, *source;
    make_blocks(&target, &source);
    long rounds = scaled(BLOCK_ROUNDS);
    double start = now();
    for (long round = 0; round < rounds; round++) {
        memcpy(target, source, BLOCK_BYTES);
        MEMORY_IS_USED();
    }
    double seconds = now() - start;
    report("memcpy16M", (double)rounds * BLOCK_BYTES / seconds / MEGA, "MB/s", seconds, (uint64_t)target[5]);
    free(target);
    free(source);
}

BENCHMARK(memset16M_zero) {
    char *target = allocate(BLOCK_BYTES);
    memset(target, 1, BLOCK_BYTES);
    long rounds = scaled(BLOCK_ROUNDS);
    double start = now();
    for (long round = 0; round < rounds; round++) {
        memset(target, 0, BLOCK_BYTES);
        MEMORY_IS_USED();
    }
    double seconds = now() - start;
    report("memset16M_zero", (double)rounds * BLOCK_BYTES / seconds / MEGA, "MB/s", seconds,
           (uint64_t)target[5]);
    free(target);
}

#define SHORT_BYTES 61
#define TARGET_STEP 64
#define SOURCE_STEP 72
#define OFFSET_MASK 0xffff

BENCHMARK(memcpy61B) {
    char *target, *source;
    make_blocks(&target, &source);
    long calls = scaled(3000000);
    double start = now();
    for (long i = 0; i < calls; i++) {
        memcpy(target + (i * TARGET_STEP & OFFSET_MASK), source + (i * SOURCE_STEP & OFFSET_MASK),
               SHORT_BYTES);
        MEMORY_IS_USED();
    }
    double seconds = now() - start;
    report("memcpy61B", (double)calls / seconds / MEGA, "Mcall/s", seconds, (uint64_t)target[7]);
    free(target);
    free(source);
}

#define STRING_BYTES 4096
#define ALPHABET 26

BENCHMARK(strlen_strcmp4K) {
    char *one = allocate(STRING_BYTES), *other = allocate(STRING_BYTES);
    for (int i = 0; i < STRING_BYTES; i++) one[i] = (char)('a' + i % ALPHABET);
    one[STRING_BYTES - 1] = 0;
    memcpy(other, one, STRING_BYTES);
    long rounds = scaled(30000);
    uint64_t sum = 0;
    double start = now();
    for (long i = 0; i < rounds; i++) {
        sum += strlen(one + (i & 63));
        sum += (uint64_t)strcmp(one + (i & 15), other + (i & 15));
        MEMORY_IS_USED();
    }
    double seconds = now() - start;
    report("strlen_strcmp4K", (double)rounds * 2 * STRING_BYTES / seconds / MEGA, "MB/s", seconds, sum);
    free(one);
    free(other);
}
