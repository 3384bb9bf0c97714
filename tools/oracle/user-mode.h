/* What the programs share that run under qemu-user: memory at fixed addresses, and an end when something fails. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void must(int condition, const char *what) {
  if (condition) return;
  perror(what);
  exit(1);
}

static void *map(uint64_t base, uint64_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  void *at = mmap((void *)base, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  must(at != MAP_FAILED, "mmap");
  return at;
}
