/*
 * Bare-metal part of exceptions.mjs: runs one short program after another, at EL1 or EL0, each with its own registers,
 * control registers and page descriptors, until it takes an exception; prints what the exception left. Runs at EL1 on
 * a virt board, from its own load address; cases follow at CASES. The same binary runs in QEMU and in Bramble.
 *
 * Memory: the serial port and a GiB of RAM (for EL1 alone), and at WINDOW three pages with the case's descriptors:
 * code and two of data.
 */
typedef unsigned long u64;
typedef unsigned int u32;

#define CASES 0x40100000UL
#define WINDOW 0x80000000UL
#define CODE_PAGE 0x41000000UL
#define DATA_PAGES 0x41001000UL
#define PAGE_WORDS 1024
#define ENTRY 0x100
#define PROGRAM_WORDS 16
#define BRK 0xd4200000U
#define END_OF_PROGRAM (BRK | (0x3ff << 5))
#define UART 0x09000000UL
#define UART_DATA (*(volatile u32 *)UART)
#define UART_FLAGS (*(volatile u32 *)(UART + 0x18))
#define UART_TXFF 0x20
#define SYSTEM_OFF 0x84000008UL
#define BLOCK_DEVICE (0x60000000000401UL | (1UL << 2))
#define BLOCK_RAM 0x40000701UL
/* Normal write-back, Device-nGnRE, Normal Non-cacheable. */
#define MAIR 0x4404ffUL
#define SCTLR 0x30d0198dUL
#define CPACR (3UL << 20)
/* T0SZ 25, write-back inner shareable, EPD1, 40 bits of physical address. */
#define TCR (25UL | (0x35UL << 8) | (1UL << 23) | (2UL << 32))

#define SET(reg, value) asm volatile("msr " #reg ", %0" ::"r"((u64)(value)) : "memory")
#define GET(reg) ({ u64 v_; asm volatile("mrs %0, " #reg : "=r"(v_)::"memory"); v_; })

struct test_case {
  u64 sctlr, cpacr, tcr, spsr, table_attributes, descriptor[3], sp_el0, sp_el1, x[31];
  u32 words[PROGRAM_WORDS];
};
/* Written by the vectors: X0 to X30, SP_EL0, SP_EL1, which vector. */
struct saved { u64 x[31], sp_el0, sp_el1, vector; };

struct saved saved;
static u64 root[512] __attribute__((aligned(4096)));
static u64 devices[512] __attribute__((aligned(4096)));
static u64 window[512] __attribute__((aligned(4096)));
static u64 pages[512] __attribute__((aligned(4096)));
u64 current;

void enter(const struct test_case *);
void clear_vectors(void);
extern char vectors[];

static void put(char c) {
  while (UART_FLAGS & UART_TXFF) {}
  UART_DATA = c;
}

static void put_hex(u64 value) {
  int shift = 60;
  while (shift && !((value >> shift) & 15)) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
  put(' ');
}

static u64 mix(u64 hash, u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15UL;
  return hash ^ (hash >> 29);
}

static void barrier(void) { asm volatile("dsb sy\n tlbi vmalle1\n ic iallu\n dsb sy\n isb" ::: "memory"); }

static void prepare(const struct test_case *c) {
  u32 *code = (u32 *)CODE_PAGE, *data = (u32 *)DATA_PAGES;
  for (u32 i = 0; i < PAGE_WORDS; i++) code[i] = BRK | (0x3fe << 5);
  for (u32 i = 0; i < PROGRAM_WORDS; i++) code[ENTRY / 4 + i] = c->words[i];
  code[ENTRY / 4 + PROGRAM_WORDS] = END_OF_PROGRAM;
  for (u32 i = 0; i < 2 * PAGE_WORDS; i++) data[i] = i * 0x01010101U + (u32)current;
  for (u32 i = 0; i < 3; i++) pages[i] = (CODE_PAGE + 4096UL * i) | c->descriptor[i];
  window[0] = (u64)pages | 3 | c->table_attributes;
}

static void run(void) {
  const u64 *count = (const u64 *)CASES;
  if (current == *count) {
    register u64 x0 asm("x0") = SYSTEM_OFF;
    asm volatile("hvc #0" ::"r"(x0) : "memory");
    for (;;) {}
  }
  const struct test_case *c = (const struct test_case *)(count + 1) + current;
  prepare(c);
  SET(tcr_el1, c->tcr);
  SET(esr_el1, 0);
  SET(far_el1, 0);
  SET(par_el1, 0);
  SET(tpidr_el0, 0x1111);
  SET(contextidr_el1, 0);
  barrier();
  clear_vectors();
  SET(fpcr, 0);
  SET(fpsr, 0);
  SET(cpacr_el1, c->cpacr);
  SET(sctlr_el1, c->sctlr);
  asm volatile("isb\n clrex" ::: "memory");
  enter(c);
}

/* The vectors come here, with a fresh stack. */
void took_exception(void) {
  u64 esr = GET(esr_el1), far = GET(far_el1), elr = GET(elr_el1), spsr = GET(spsr_el1), par = GET(par_el1);
  SET(sctlr_el1, SCTLR);
  SET(cpacr_el1, CPACR);
  SET(tcr_el1, TCR);
  barrier();
  u64 registers = 0, memory = 0;
  for (u32 i = 0; i < 31; i++) registers = mix(registers, saved.x[i]);
  registers = mix(mix(registers, saved.sp_el0), saved.sp_el1);
  for (u32 i = 0; i < PAGE_WORDS; i++) memory = mix(memory, ((u64 *)DATA_PAGES)[i]);
  put_hex(saved.vector);
  put_hex(esr);
  put_hex(far);
  put_hex(elr);
  put_hex(spsr);
  put_hex(par);
  put_hex(registers);
  put_hex(memory);
  put('\n');
  current++;
  run();
}

void main_(void) {
  root[0] = (u64)devices | 3;
  devices[UART >> 21] = UART | BLOCK_DEVICE;
  root[1] = BLOCK_RAM;
  root[2] = (u64)window | 3;
  SET(ttbr0_el1, root);
  SET(mair_el1, MAIR);
  SET(tcr_el1, TCR);
  SET(vbar_el1, vectors);
  SET(cpacr_el1, CPACR);
  barrier();
  SET(sctlr_el1, SCTLR);
  asm volatile("isb" ::: "memory");
  run();
}

asm(".section .start, \"ax\"\n"
    ".global _start\n"
    "_start: ldr x0, =stack_top\n mov sp, x0\n b main_\n"
    ".text\n"
    ".global clear_vectors\n"
    "clear_vectors: .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    " movi v\\n\\().2d, #0\n"
    ".endr\n ret\n"
    ".global enter\n"
    "enter:\n"
    " ldr x1, [x0, #24]\n msr spsr_el1, x1\n"
    " ldr x1, =0x80000100\n msr elr_el1, x1\n"
    " ldr x1, [x0, #64]\n msr sp_el0, x1\n"
    " ldr x1, [x0, #72]\n mov sp, x1\n"
    " add x0, x0, #80\n"
    " ldp x2, x3, [x0, #16]\n ldp x4, x5, [x0, #32]\n ldp x6, x7, [x0, #48]\n ldp x8, x9, [x0, #64]\n"
    " ldp x10, x11, [x0, #80]\n ldp x12, x13, [x0, #96]\n ldp x14, x15, [x0, #112]\n"
    " ldp x16, x17, [x0, #128]\n ldp x18, x19, [x0, #144]\n ldp x20, x21, [x0, #160]\n"
    " ldp x22, x23, [x0, #176]\n ldp x24, x25, [x0, #192]\n ldp x26, x27, [x0, #208]\n"
    " ldp x28, x29, [x0, #224]\n ldr x30, [x0, #240]\n ldp x0, x1, [x0]\n eret\n"
    ".balign 2048\n"
    ".global vectors\n"
    "vectors:\n"
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    " .balign 128\n msr tpidr_el1, x0\n mov x0, #\\n\n b save\n"
    ".endr\n"
    "save: msr tpidrro_el0, x1\n"
    " ldr x1, =saved\n str x0, [x1, #264]\n mrs x0, tpidr_el1\n str x0, [x1]\n mrs x0, tpidrro_el0\n str x0, [x1, #8]\n"
    " stp x2, x3, [x1, #16]\n stp x4, x5, [x1, #32]\n stp x6, x7, [x1, #48]\n stp x8, x9, [x1, #64]\n"
    " stp x10, x11, [x1, #80]\n stp x12, x13, [x1, #96]\n stp x14, x15, [x1, #112]\n"
    " stp x16, x17, [x1, #128]\n stp x18, x19, [x1, #144]\n stp x20, x21, [x1, #160]\n"
    " stp x22, x23, [x1, #176]\n stp x24, x25, [x1, #192]\n stp x26, x27, [x1, #208]\n"
    " stp x28, x29, [x1, #224]\n str x30, [x1, #240]\n"
    " mrs x0, sp_el0\n str x0, [x1, #248]\n mov x0, sp\n str x0, [x1, #256]\n"
    " msr spsel, #1\n ldr x0, =stack_top\n mov sp, x0\n b took_exception\n"
    " .ltorg\n"
    ".data\n.balign 16\n.space 8192\nstack_top:\n.text\n");
