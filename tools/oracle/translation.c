/*
 * Bare-metal part of translation.mjs: for each case it writes the descriptors of one walk, asks the CPU with
 * AT what EL1 and EL0 reads and writes would meet, and prints the four values of PAR_EL1.
 * Cases arrive in memory at CASES: a count, then one struct after another. Runs on QEMU's virt board at EL1.
 */
typedef unsigned long u64;
typedef unsigned int u32;

#define CASES 0x44000000UL
#define UART_DATA (*(volatile u32 *)0x09000000UL)
#define UART_FLAGS (*(volatile u32 *)0x09000018UL)
#define UART_TXFF 0x20
#define MOST_LEVELS 4
/* TTBR0 maps the program itself: two 1 GiB blocks, devices and RAM. */
#define BLOCK_DEVICE (0x401UL | (1UL << 2))
#define BLOCK_NORMAL 0x701UL
#define SYSTEM_OFF 0x84000008UL

#define SET(reg, value) asm volatile("msr " #reg ", %0" ::"r"((u64)(value)) : "memory")
#define GET(reg) ({ u64 v_; asm volatile("mrs %0, " #reg : "=r"(v_)::"memory"); v_; })
#define AT(form, va) ({ asm volatile("at " #form ", %0\n isb" ::"r"(va) : "memory"); GET(par_el1); })

struct test_case {
  u64 va, tcr, ttbr1, mair, descriptors;
  struct { u64 address, value; } descriptor[MOST_LEVELS];
};

static u64 root[512] __attribute__((aligned(4096)));
static u64 blocks[512] __attribute__((aligned(4096)));

static void put(char c) {
  while (UART_FLAGS & UART_TXFF) {}
  UART_DATA = c;
}

static void put_hex(u64 value) {
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
}

static void run(const struct test_case *c) {
  for (u64 i = 0; i < c->descriptors; i++) *(volatile u64 *)c->descriptor[i].address = c->descriptor[i].value;
  SET(ttbr1_el1, c->ttbr1);
  SET(mair_el1, c->mair);
  SET(tcr_el1, c->tcr);
  asm volatile("dsb sy\n isb\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
  const u64 par[] = {AT(s1e1r, c->va), AT(s1e1w, c->va), AT(s1e0r, c->va), AT(s1e0w, c->va)};
  for (int i = 0; i < 4; i++) {
    put_hex(par[i]);
    put(i == 3 ? '\n' : ' ');
  }
}

void main_(void) {
  root[0] = (u64)blocks | 3;
  blocks[0] = BLOCK_DEVICE;
  blocks[1] = 0x40000000UL | BLOCK_NORMAL;
  SET(ttbr0_el1, root);
  const u64 *count = (const u64 *)CASES;
  const struct test_case *c = (const struct test_case *)(count + 1);
  SET(mair_el1, c->mair);
  SET(tcr_el1, c->tcr);
  asm volatile("dsb sy\n isb\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
  SET(sctlr_el1, GET(sctlr_el1) | 1);
  asm volatile("isb" ::: "memory");
  for (u64 i = 0; i < *count; i++) run(c + i);
  register u64 x0 asm("x0") = SYSTEM_OFF;
  asm volatile("hvc #0" ::"r"(x0) : "memory");
  for (;;) {}
}

asm(".section .text.start, \"ax\"\n"
    ".global _start\n"
    "_start: ldr x0, =stack_top\n mov sp, x0\n b main_\n"
    ".bss\n.balign 16\n.space 4096\nstack_top:\n.text\n");
