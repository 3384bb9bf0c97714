/*
 * Walks a ring of nodes, one to a cache line, in random order: every load waits for the one before. 64 MB
 * go beyond every cache and TLB, 256 KB stay in the second-level cache. The checksum is where the walk ends.
 */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>

#define LINE_BYTES 64
#define LARGE_NODES (64 * MIB / LINE_BYTES)
#define SMALL_NODES (256 * KIB / LINE_BYTES)
#define PAGE_BYTES 4096

struct node {
    struct node *next;
    char padding[LINE_BYTES - sizeof(struct node *)];
};

/* Links `nodes` into one ring; draws count - 1 random numbers. */
static void make_ring(struct node *nodes, long count) {
    uint32_t *order = allocate(count * (long)sizeof *order);
    for (long i = 0; i < count; i++) order[i] = (uint32_t)i;
    for (long i = count - 1; i > 0; i--) {
        long j = (long)(next_random() % (uint64_t)i);
        uint32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (long i = 0; i < count; i++) nodes[order[i]].next = &nodes[order[(i + 1) % count]];
    free(order);
}

static void chase(const char *name, long count, long steps) {
    struct node *nodes = aligned_alloc(PAGE_BYTES, (size_t)count * sizeof *nodes);
    if (!nodes) return;
    make_ring(nodes, count);
    struct node *at = nodes;
    double start = now();
    for (long i = 0; i < steps; i++) at = at->next;
    double seconds = now() - start;
    report(name, seconds / (double)steps * GIGA, "ns/load", seconds, (uint64_t)(at - nodes));
    free(nodes);
}

BENCHMARK(ptrchase64M) {
    chase("ptrchase64M", LARGE_NODES, scaled(1500000));
}

BENCHMARK(ptrchase256K) {
    /* The small ring goes on with the random numbers where the large one ended. */
    skip_randoms(LARGE_NODES - 1);
    chase("ptrchase256K", SMALL_NODES, scaled(20000000));
}
