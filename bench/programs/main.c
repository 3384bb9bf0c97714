/*
 * bramble-bench: runs the benchmarks named on its command line, all without any.
 *   bramble-bench [NAME...]                 SCALE in the environment scales the work
 *   bramble-bench --time NAME COMMAND...    times another program and hashes its standard output
 */
#include "bench.h"
#include "benchmarks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#define RANDOM_SEED 88172645463325252ull
#define HWCAP_BIT_CRC32 7
#define HWCAP_BIT_ATOMICS 8

static const struct {
    const char *name;
    void (*run)(void);
} BENCHMARKS[] = {
#define ROW(name) {#name, bench_##name},
    ALL_BENCHMARKS(ROW)
#undef ROW
};
#define BENCHMARK_COUNT ((int)(sizeof BENCHMARKS / sizeof *BENCHMARKS))

static double scale = 1;
static uint64_t random_state;

double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / GIGA;
}

long scaled(long count) {
    long result = (long)((double)count * scale);
    return result < 1 ? 1 : result;
}

uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void skip_randoms(long count) {
    while (count-- > 0) next_random();
}

void *allocate(long bytes) {
    void *memory = malloc((size_t)bytes);
    if (memory) return memory;
    fprintf(stderr, "bramble-bench: no memory for %ld bytes\n", bytes);
    exit(EXIT_FAILURE);
}

uint8_t *random_bytes(long count) {
    uint8_t *bytes = allocate(count);
    for (long i = 0; i < count; i++) bytes[i] = (uint8_t)next_random();
    return bytes;
}

void report(const char *name, double value, const char *unit, double seconds, uint64_t checksum) {
    printf("BENCH %s %.4g %s # t=%.3fs chk=%016llx\n", name, value, unit, seconds,
           (unsigned long long)checksum);
    fflush(stdout);
}

static int has_capability(int bit) {
    return (int)(getauxval(AT_HWCAP) >> bit & 1);
}

int has_crc32(void) {
    return has_capability(HWCAP_BIT_CRC32);
}

int has_lse(void) {
    return has_capability(HWCAP_BIT_ATOMICS);
}

static int run_benchmark(const char *name) {
    int found = 0;
    for (int i = 0; i < BENCHMARK_COUNT; i++) {
        if (name && strcmp(name, BENCHMARKS[i].name) != 0) continue;
        random_state = RANDOM_SEED;
        BENCHMARKS[i].run();
        found = 1;
    }
    if (!found) fprintf(stderr, "bramble-bench: there is no benchmark %s\n", name);
    return found;
}

int main(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], DO_NOTHING) == 0) return EXIT_SUCCESS;
    const char *scale_text = getenv("SCALE");
    if (scale_text) scale = atof(scale_text);
    if (count > 3 && strcmp(arguments[1], "--time") == 0) return time_command(arguments[2], arguments + 3);
    int all_found = 1;
    if (count < 2) run_benchmark(NULL);
    for (int i = 1; i < count; i++) all_found &= run_benchmark(arguments[i]);
    return all_found ? EXIT_SUCCESS : EXIT_FAILURE;
}
