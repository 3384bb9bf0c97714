/*
 * What the benchmarks share. A benchmark does a fixed amount of work, times the part that matters by the
 * guest's monotonic clock and reports one line:
 *
 *   BENCH name value unit # t=seconds chk=checksum
 *
 * Invariant: the checksum depends on the work and on SCALE alone, so every engine must print the same.
 */
#pragma once
#include <stdint.h>

/* Keeps a function apart from its callers, as a call into a library is. */
#define APART __attribute__((noinline, noclone))
/* Memory must be as written here; stops the compiler from merging the rounds of a loop. */
#define MEMORY_IS_USED() __asm__ volatile("" ::: "memory")

#define KILO 1e3
#define MEGA 1e6
#define GIGA 1e9
#define KIB 1024
#define MIB (1024 * 1024)

/* Seconds of the monotonic clock. */
double now(void);

/* `count` times the environment's SCALE, at least 1. */
long scaled(long count);

/* Pseudo-random numbers (xorshift64 with shifts 13, 7, 17); each benchmark starts them anew. */
uint64_t next_random(void);
void skip_randoms(long count);

/* Random bytes from the heap; the caller frees them. */
uint8_t *random_bytes(long count);

/* Memory from the heap; ends the program when there is none. */
void *allocate(long bytes);

void report(const char *name, double value, const char *unit, double seconds, uint64_t checksum);

/* CPU features as the kernel reports them (AT_HWCAP, Linux: Documentation/arm64/elf_hwcaps.rst). */
int has_crc32(void);
int has_lse(void);
