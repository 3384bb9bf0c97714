/*
 * Runs test programs under QEMU's user mode for tools/oracle/differential.mjs: reads a batch from standard
 * input, enters each program through a signal return with all of its registers set, and writes how it ended,
 * every register and the words of scratch memory that changed. The addresses and the layout of the state come
 * from src/emu/testing as macros.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "user-mode.h"

#define SCRATCH_WORDS (SCRATCH_BYTES / 8)
#define SIGNAL_STACK_BYTES (256 * 1024)
#define NZCV_SHIFT 28
/* What a program may find in PSTATE when it starts: flags, nothing else. */
#define PSTATE_EL0T 0

struct state {
  uint64_t x[31], sp, pc, nzcv, fpcr, fpsr, v[64];
};

struct result {
  uint64_t signal, address;
  struct state state;
  uint64_t changes;
};

static uint64_t initial[SCRATCH_WORDS];
static struct state *programs;
static uint32_t count, current;
static int started;
static mcontext_t host;
static uint64_t host_thread;

static struct fpsimd_context *vectors(mcontext_t *m) {
  struct _aarch64_ctx *head = (struct _aarch64_ctx *)m->__reserved;
  while (head->magic != FPSIMD_MAGIC) {
    if (head->magic == 0) abort();
    head = (struct _aarch64_ctx *)((char *)head + head->size);
  }
  return (struct fpsimd_context *)head;
}

static void enter(mcontext_t *m, const struct state *s) {
  struct fpsimd_context *fp = vectors(m);
  memcpy(m->regs, s->x, sizeof s->x);
  m->sp = s->sp;
  m->pc = s->pc;
  m->pstate = PSTATE_EL0T | s->nzcv << NZCV_SHIFT;
  fp->fpcr = s->fpcr;
  fp->fpsr = s->fpsr;
  memcpy(fp->vregs, s->v, sizeof s->v);
}

static void leave(mcontext_t *m, int signal, uint64_t address) {
  struct fpsimd_context *fp = vectors(m);
  const uint64_t *scratch = (const uint64_t *)SCRATCH_BASE;
  struct result r = {.signal = signal, .address = address};
  memcpy(r.state.x, m->regs, sizeof r.state.x);
  r.state.sp = m->sp;
  r.state.pc = m->pc;
  r.state.nzcv = m->pstate >> NZCV_SHIFT & 15;
  r.state.fpcr = fp->fpcr;
  r.state.fpsr = fp->fpsr;
  memcpy(r.state.v, fp->vregs, sizeof r.state.v);
  for (unsigned i = 0; i < SCRATCH_WORDS; i++) r.changes += scratch[i] != initial[i];
  fwrite(&r, sizeof r, 1, stdout);
  if (r.changes == 0) return;
  for (uint64_t i = 0; i < SCRATCH_WORDS; i++) {
    if (scratch[i] == initial[i]) continue;
    uint64_t change[2] = {i * 8, scratch[i]};
    fwrite(change, sizeof change, 1, stdout);
  }
  memcpy((void *)SCRATCH_BASE, initial, SCRATCH_BYTES);
}

static void set_thread(uint64_t value) { __asm__ volatile("msr tpidr_el0, %0" ::"r"(value)); }

/* The first trap comes from main; every later signal ends one program and starts the next. */
static void handler(int signal, siginfo_t *info, void *context) {
  mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
  set_thread(host_thread);
  if (!started) {
    host = *m;
    started = 1;
  } else {
    int has_address = signal == SIGSEGV || signal == SIGBUS;
    leave(m, signal, has_address ? (uint64_t)info->si_addr : 0);
    current++;
  }
  if (current == count) {
    *m = host;
    m->pc += 4;
    return;
  }
  enter(m, &programs[current]);
  set_thread(THREAD_ID);
}

int main(void) {
  void *code = map(CODE_BASE, CODE_BYTES);
  void *scratch = map(SCRATCH_BASE, SCRATCH_BYTES);
  must(fread(&count, sizeof count, 1, stdin) == 1, "count");
  must(fread(initial, sizeof initial, 1, stdin) == 1, "scratch");
  programs = malloc(count * sizeof *programs);
  must(fread(programs, sizeof *programs, count, stdin) == count, "states");
  must(fread(code, CODE_BYTES, 1, stdin) == 1, "code");
  memcpy(scratch, initial, SCRATCH_BYTES);
  must(mprotect(code, CODE_BYTES, PROT_READ | PROT_EXEC) == 0, "mprotect");
  __builtin___clear_cache((char *)code, (char *)code + CODE_BYTES);

  stack_t stack = {.ss_sp = malloc(SIGNAL_STACK_BYTES), .ss_size = SIGNAL_STACK_BYTES};
  must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    must(sigaction(signals[i], &action, NULL) == 0, "sigaction");
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(host_thread));
  __asm__ volatile("brk #0" ::: "memory");
  return fflush(stdout) == 0 ? 0 : 1;
}
