/* One or two threads count in one place: by exclusive loads and stores, by LSE's LDADDAL, under a mutex. */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <pthread.h>

#define MOST_THREADS 2

static uint64_t counter;
static long rounds_per_thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *add_by_exclusives(void *unused) {
    uint64_t *place = &counter;
    for (long i = 0; i < rounds_per_thread; i++) {
        uint64_t value;
        uint32_t failed;
        __asm__ volatile("1: ldaxr %0, [%2]\n"
                         "add %0, %0, #1\n"
                         "stlxr %w1, %0, [%2]\n"
                         "cbnz %w1, 1b"
                         : "=&r"(value), "=&r"(failed)
                         : "r"(place)
                         : "memory");
    }
    return unused;
}

static void *add_by_lse(void *unused) {
    uint64_t *place = &counter;
    for (long i = 0; i < rounds_per_thread; i++)
        __asm__ volatile(".arch armv8.1-a\n ldaddal %0, xzr, [%1]" ::"r"(1ul), "r"(place) : "memory");
    return unused;
}

static void *add_under_mutex(void *unused) {
    for (long i = 0; i < rounds_per_thread; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void count_in_threads(const char *name, void *(*add)(void *), int threads, long rounds,
                             const char *unit) {
    pthread_t handles[MOST_THREADS];
    counter = 0;
    rounds_per_thread = rounds;
    double start = now();
    for (int i = 0; i < threads; i++) pthread_create(&handles[i], NULL, add, NULL);
    for (int i = 0; i < threads; i++) pthread_join(handles[i], NULL);
    double seconds = now() - start;
    report(name, (double)rounds * threads / seconds / MEGA, unit, seconds, counter);
}

#define ATOMIC_ROUNDS 1000000
#define MUTEX_ROUNDS 500000

BENCHMARK(atomic_llsc_1t) {
    count_in_threads("atomic_llsc_1t", add_by_exclusives, 1, scaled(ATOMIC_ROUNDS), "Mop/s");
}

BENCHMARK(atomic_llsc_2t) {
    count_in_threads("atomic_llsc_2t", add_by_exclusives, 2, scaled(ATOMIC_ROUNDS), "Mop/s");
}

BENCHMARK(atomic_lse_1t) {
    if (has_lse()) count_in_threads("atomic_lse_1t", add_by_lse, 1, scaled(ATOMIC_ROUNDS), "Mop/s");
}

BENCHMARK(atomic_lse_2t) {
    if (has_lse()) count_in_threads("atomic_lse_2t", add_by_lse, 2, scaled(ATOMIC_ROUNDS), "Mop/s");
}

BENCHMARK(mutex_2t) {
    count_in_threads("mutex_2t", add_under_mutex, 2, scaled(MUTEX_ROUNDS), "Mlock/s");
}
