/* The sieve of Eratosthenes: byte stores with growing strides, then a sum. The checksum counts the primes. */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 2000000

BENCHMARK(sieve) {
    uint8_t *is_prime = allocate(LIMIT + 1);
    long rounds = scaled(8);
    uint64_t primes = 0;
    double start = now();
    for (long round = 0; round < rounds; round++) {
        memset(is_prime, 1, LIMIT + 1);
        for (int i = 2; (long)i * i <= LIMIT; i++) {
            if (!is_prime[i]) continue;
            for (int multiple = i * i; multiple <= LIMIT; multiple += i) is_prime[multiple] = 0;
        }
        primes = 0;
        for (int i = 2; i <= LIMIT; i++) primes += is_prime[i];
    }
    double seconds = now() - start;
    report("sieve", (double)rounds * LIMIT / seconds / MEGA, "Mnum/s", seconds, primes);
    free(is_prime);
}
