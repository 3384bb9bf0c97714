/*
 * Guest part of debug.mjs: the first program of a Linux without anything else. Debugs a child with the hardware's
 * breakpoints and watchpoints (ptrace, NT_ARM_HW_BREAK and NT_ARM_HW_WATCH) and prints a line for each of CASES: what
 * stopped the child, at which instruction, and where a step from there has led.
 */
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/ptrace.h>

#define MOST_STOPS 20
#define REGISTERS 16
/* DBGBCR and DBGWCR: BAS, LSC, PAC = EL0, E. */
#define CONTROL(bytes, kind) (((bytes) << 5) | ((kind) << 3) | (2 << 1) | 1)
enum { NOTHING, LOADS, STORES, BOTH };

static volatile unsigned char data[256] __attribute__((aligned(128)));
extern char first_access[];

__attribute__((noinline)) static int target(int x) {
  asm volatile("" ::: "memory");
  return x + 1;
}

static void child(void) {
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  asm volatile(
      ".global first_access\nfirst_access:\n"
      "ldr x1, [%0]\n ldr x1, [%0, #8]\n str x1, [%0, #8]\n strb w1, [%0, #15]\n strb w1, [%0, #16]\n"
      "ldp x1, x2, [%0]\n stp x1, x2, [%0]\n ldrb w1, [%0, #12]\n strh w1, [%0, #14]\n ldr q0, [%0]\n str q0, [%0]\n"
      "ldur x1, [%0, #4]\n stur x1, [%0, #4]\n ldxr x1, [%0]\n stxr w2, x1, [%0]\n"
      "str x1, [%0, #64]\n ldr x1, [%0, #72]\n dc zva, %0\n" ::"r"(data)
      : "x1", "x2", "v0", "memory");
  int sum = 0;
  for (int i = 0; i < 5; i++) sum += target(i);
  _exit(sum);
}

struct debug_state {
  uint32_t info, pad;
  struct { uint64_t address; uint32_t control, pad; } registers[REGISTERS];
};

static void set(pid_t pid, int kind, uint64_t address, uint32_t control) {
  struct debug_state state;
  memset(&state, 0, sizeof state);
  state.registers[0].address = address;
  state.registers[0].control = control;
  struct iovec first = { &state, offsetof(struct debug_state, registers[1]) };
  if (ptrace(PTRACE_SETREGSET, pid, (void *)(long)kind, &first)) printf(" refused");
}

static uint64_t pc_of(pid_t pid) {
  struct user_pt_regs registers;
  struct iovec all = { &registers, sizeof registers };
  ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &all);
  return registers.pc;
}

/* Without steps the same instruction stops the child again and again. */
struct debug_case { const char *name; int offset, bytes, kind, steps; };
static const struct debug_case CASES[] = {
  { "stores-8", 8, 0xff, STORES, 1 },   { "loads-8", 8, 0xff, LOADS, 1 },  { "both-8", 8, 0xff, BOTH, 1 },
  { "both-4", 12, 0x0f, BOTH, 1 },      { "both-0", 0, 0xff, BOTH, 1 },    { "both-3", 16, 0x07, BOTH, 1 },
  { "elsewhere", 200, 0xff, BOTH, 1 },  { "no-steps", 8, 0xff, STORES, 0 },
  { "refused", 15, 0x01 << 7, STORES, 1 },
  { "break", 0, 0x0f, NOTHING, 1 },     { "break-no-steps", 0, 0x0f, NOTHING, 0 },
};

static void stopped(pid_t pid, int watches) {
  siginfo_t info;
  ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
  long pc = (long)pc_of(pid);
  if (watches) printf(" %ld@%ld", (long)info.si_addr - (long)data, (pc - (long)first_access) / 4);
  else printf(" %ld", pc - (long)target);
  printf("/%d/%d", info.si_signo, info.si_code);
}

static void run(const struct debug_case *c) {
  int status, watches = c->kind != NOTHING;
  int kind = watches ? NT_ARM_HW_WATCH : NT_ARM_HW_BREAK;
  uint64_t address = watches ? (uint64_t)data + c->offset : (uint64_t)target;
  uint32_t control = CONTROL(c->bytes, c->kind);
  pid_t pid = fork();
  if (pid == 0) child();
  waitpid(pid, &status, 0);
  set(pid, kind, address, control);
  for (int stops = 0; stops < MOST_STOPS; stops++) {
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    if (WIFEXITED(status)) {
      printf(" exit %d", WEXITSTATUS(status));
      return;
    }
    stopped(pid, watches);
    if (!c->steps) continue;
    uint64_t before = pc_of(pid);
    set(pid, kind, 0, 0);
    ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("+%ld", (long)(pc_of(pid) - before));
    set(pid, kind, address, control);
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  for (unsigned i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    printf("case %s:", CASES[i].name);
    run(&CASES[i]);
    printf("\n");
  }
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
