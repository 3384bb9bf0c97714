/*
 * Runs programs of src/emu/testing/float-batch.ts under QEMU's user mode for tools/oracle/fp.mjs: reads a header, the
 * program, chunks and questions from standard input, puts them where our machine has them, calls the program, and
 * writes the answers. The addresses come as macros.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "user-mode.h"

struct header {
  uint64_t code_bytes, data_bytes, chunks, questions_at, answers_at, answer_bytes;
};

typedef void program(uint64_t chunks_at, uint64_t chunks, uint64_t questions_at, uint64_t answers_at);

int main(void) {
  void *code = map(CODE_BASE, CODE_BYTES);
  void *data = map(DATA_BASE, DATA_BYTES);
  struct header h;
  must(fread(&h, sizeof h, 1, stdin) == 1, "header");
  must(h.code_bytes <= CODE_BYTES && h.data_bytes <= DATA_BYTES, "sizes");
  must(fread(code, 1, h.code_bytes, stdin) == h.code_bytes, "code");
  must(fread(data, 1, h.data_bytes, stdin) == h.data_bytes, "data");
  must(mprotect(code, CODE_BYTES, PROT_READ | PROT_EXEC) == 0, "mprotect");
  __builtin___clear_cache((char *)code, (char *)code + CODE_BYTES);
  ((program *)code)(DATA_BASE, h.chunks, h.questions_at, h.answers_at);
  must(fwrite((void *)h.answers_at, 1, h.answer_bytes, stdout) == h.answer_bytes, "answers");
  return fflush(stdout) == 0 ? 0 : 1;
}
