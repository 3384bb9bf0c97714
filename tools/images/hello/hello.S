// The smallest guest, for the virt board: no kernel, no memory management, one serial port.
//
// It greets, echoes what is typed, answers a few keys, and sleeps in between. Interrupts stay masked (PSTATE.I):
// WFI wakes up for a pending one anyway, and the event loop asks the interrupt controller what it was.
// Everything is relative to PC, so it runs wherever it is loaded.

// Board: QEMU's virt machine.
.equ UART, 0x09000000               // PL011
.equ GICD, 0x08000000               // GICv3 distributor
.equ GICR, 0x080a0000               // its redistributor, and the frame for private interrupts
.equ GICR_PRIVATE, 0x080b0000
.equ INTID_UART, 33
.equ INTID_TIMER, 27                // virtual timer
.equ INTID_SPECIAL, 1020            // from here on: no interrupt
.equ NOTHING, 0x0f000000            // an address where no device answers

// PL011 (Arm DDI 0183).
.equ DR, 0x00
.equ FR, 0x18
.equ FR_RXFE, 4                     // bit: nothing received
.equ FR_TXFF, 5                     // bit: cannot send
.equ CR, 0x30
.equ CR_ENABLE, 0x301               // RXE, TXE, UARTEN
.equ IMSC, 0x38
.equ ICR, 0x44
.equ INT_RECEIVED, 0x50             // receive and receive time-out

// GICv3 (Arm IHI 0069).
.equ CTLR, 0x0
.equ CTLR_ENABLE, 0x12              // ARE, EnableGrp1
.equ WAKER, 0x14
.equ WAKER_SLEEP, 0x2
.equ WAKER_ASLEEP, 2                // bit: ChildrenAsleep
.equ IGROUPR0, 0x80
.equ IGROUPR1, 0x84
.equ ISENABLER0, 0x100
.equ ISENABLER1, 0x104

.equ SCTLR_I, 1 << 12
.equ PSCI_SYSTEM_OFF, 0x84000008
.equ CARRIAGE_RETURN, 13
.equ INSTRUCTION_BYTES, 4

// x19: the interrupt being served, x20: UART, x21: ticks, x22: whether the timer runs, x23: the key.

start:
        adr     x0, stack_top
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        mrs     x0, sctlr_el1
        orr     x0, x0, #SCTLR_I
        msr     sctlr_el1, x0
        isb
        mov     x20, #UART
        mov     x21, #0
        mov     x22, #0
        bl      enable_interrupts
        adr     x0, greeting
        bl      print
        bl      show_level
        adr     x0, help_text
        bl      print
        bl      prompt

event_loop:
        mrs     x19, icc_iar1_el1
        cmp     w19, #INTID_SPECIAL
        b.cs    2f
        cmp     w19, #INTID_TIMER
        b.eq    1f
        bl      take_keys
        b       3f
1:      bl      tick
3:      msr     icc_eoir1_el1, x19
        b       event_loop
2:      wfi
        b       event_loop

// ---- Interrupts ----

enable_interrupts:
        mov     w0, #CR_ENABLE
        str     w0, [x20, #CR]
        mov     w0, #INT_RECEIVED
        str     w0, [x20, #IMSC]

        mov     x1, #GICR
        ldr     w0, [x1, #WAKER]
        and     w0, w0, #~WAKER_SLEEP
        str     w0, [x1, #WAKER]
1:      ldr     w0, [x1, #WAKER]
        tbnz    w0, #WAKER_ASLEEP, 1b
        mov     x1, #GICR_PRIVATE
        mov     w0, #(1 << INTID_TIMER)
        str     w0, [x1, #IGROUPR0]
        str     w0, [x1, #ISENABLER0]

        mov     x1, #GICD
        mov     w0, #CTLR_ENABLE
        str     w0, [x1, #CTLR]
        mov     w0, #(1 << (INTID_UART - 32))
        str     w0, [x1, #IGROUPR1]
        str     w0, [x1, #ISENABLER1]

        mov     x0, #1
        msr     icc_sre_el1, x0         // system registers, not memory
        isb
        mov     x0, #0xff
        msr     icc_pmr_el1, x0         // every priority
        mov     x0, #1
        msr     icc_igrpen1_el1, x0
        isb
        ret

// ---- Keys ----

take_keys:
        stp     x29, x30, [sp, #-16]!
        mov     w0, #INT_RECEIVED
        str     w0, [x20, #ICR]
1:      ldr     w0, [x20, #FR]
        tbnz    w0, #FR_RXFE, 2f
        ldr     w23, [x20, #DR]
        and     w23, w23, #0xff
        bl      key
        b       1b
2:      ldp     x29, x30, [sp], #16
        ret

// Echoes the key in w23 and does what it stands for.
key:
        stp     x29, x30, [sp, #-16]!
        cmp     w23, #CARRIAGE_RETURN
        b.eq    1f
        mov     w0, w23
        bl      put
        orr     w0, w23, #0x20          // capitals, too
        cmp     w0, #'h'
        b.eq    2f
        cmp     w0, #'e'
        b.eq    3f
        cmp     w0, #'t'
        b.eq    4f
        cmp     w0, #'f'
        b.eq    5f
        cmp     w0, #'q'
        b.eq    power_off
        b       9f                      // any other key is only echoed
1:      bl      new_line
        b       8f
2:      adr     x0, help_text
        bl      print
        b       8f
3:      bl      new_line
        bl      show_level
        b       8f
4:      bl      toggle_timer
        b       8f
5:      bl      new_line
        mov     x1, #NOTHING
        ldr     w0, [x1]                // the vector reports it and comes back here
8:      bl      prompt
9:      ldp     x29, x30, [sp], #16
        ret

show_level:
        stp     x29, x30, [sp, #-16]!
        adr     x0, level_text
        bl      print
        mrs     x0, currentel
        ubfx    x0, x0, #2, #2
        bl      print_decimal
        bl      new_line
        ldp     x29, x30, [sp], #16
        ret

power_off:
        adr     x0, farewell
        bl      print
        mov     w0, #(PSCI_SYSTEM_OFF & 0xffff)
        movk    w0, #(PSCI_SYSTEM_OFF >> 16), lsl #16
        hvc     #0
1:      wfi                             // firmware refused
        b       1b

// ---- Timer ----

toggle_timer:
        stp     x29, x30, [sp, #-16]!
        eor     x22, x22, #1
        cbz     x22, 1f
        mrs     x0, cntfrq_el0
        msr     cntv_tval_el0, x0
        adr     x0, timer_on_text
        b       2f
1:      adr     x0, timer_off_text
2:      msr     cntv_ctl_el0, x22       // ENABLE
        bl      print
        ldp     x29, x30, [sp], #16
        ret

// One more second: the next is due a second after this one was, not after now.
tick:
        stp     x29, x30, [sp, #-16]!
        mrs     x0, cntfrq_el0
        mrs     x1, cntv_cval_el0
        add     x0, x0, x1
        msr     cntv_cval_el0, x0
        isb
        add     x21, x21, #1
        adr     x0, tick_text
        bl      print
        mov     x0, x21
        bl      print_decimal
        bl      prompt
        ldp     x29, x30, [sp], #16
        ret

// ---- Text ----

prompt:
        adr     x0, prompt_text
        b       print
new_line:
        adr     x0, new_line_text

// Prints the zero-terminated text at x0.
print:
1:      ldrb    w1, [x0], #1
        cbz     w1, 3f
2:      ldr     w2, [x20, #FR]
        tbnz    w2, #FR_TXFF, 2b
        str     w1, [x20, #DR]
        b       1b
3:      ret

// Prints the character in w0.
put:
1:      ldr     w2, [x20, #FR]
        tbnz    w2, #FR_TXFF, 1b
        str     w0, [x20, #DR]
        ret

// Prints x0 as a decimal number: digits are made from the last one back.
print_decimal:
        stp     x29, x30, [sp, #-48]!
        add     x1, sp, #48
        strb    wzr, [x1, #-1]!
        mov     x2, #10
1:      udiv    x3, x0, x2
        msub    x4, x3, x2, x0
        add     w4, w4, #'0'
        strb    w4, [x1, #-1]!
        mov     x0, x3
        cbnz    x0, 1b
        mov     x0, x1
        bl      print
        ldp     x29, x30, [sp], #48
        ret

// Prints x0 as a hexadecimal number of 16 digits.
print_hexadecimal:
        stp     x29, x30, [sp, #-32]!
        stp     x24, x25, [sp, #16]
        mov     x24, x0
        mov     x25, #64
1:      sub     x25, x25, #4
        lsr     x0, x24, x25
        and     x0, x0, #15
        cmp     x0, #10
        add     x1, x0, #'0'
        add     x0, x0, #('a' - 10)
        csel    x0, x1, x0, cc
        bl      put
        cbnz    x25, 1b
        ldp     x24, x25, [sp, #16]
        ldp     x29, x30, [sp], #32
        ret

// ---- Exceptions ----

// Reports a synchronous exception and goes on after the instruction that caused it.
report:
        stp     x29, x30, [sp, #-64]!
        stp     x0, x1, [sp, #16]
        stp     x2, x3, [sp, #32]
        adr     x0, exception_text
        bl      print
        mrs     x0, esr_el1
        bl      print_hexadecimal
        adr     x0, address_text
        bl      print
        mrs     x0, far_el1
        bl      print_hexadecimal
        adr     x0, instruction_text
        bl      print
        mrs     x0, elr_el1
        bl      print_hexadecimal
        bl      new_line
        mrs     x0, elr_el1
        add     x0, x0, #INSTRUCTION_BYTES
        msr     elr_el1, x0
        ldp     x2, x3, [sp, #32]
        ldp     x0, x1, [sp, #16]
        ldp     x29, x30, [sp], #64
        eret

greeting:
        .ascii  "\r\n"
        .ascii  "    .-^-.   Hello from Bramble!\r\n"
        .ascii  "   ( o o )  A bare AArch64 machine: no operating system,\r\n"
        .asciz  "    `-v-'   only this program.\r\n\r\n"
level_text:
        .asciz  "This is exception level "
help_text:
        .ascii  "\r\nKeys:  e  the exception level     t  start and stop the timer\r\n"
        .ascii  "       f  a fault, reported       h  this help\r\n"
        .asciz  "       q  power off               all others are echoed\r\n"
timer_on_text:
        .asciz  "\r\nA tick a second; t stops it."
timer_off_text:
        .asciz  "\r\nThe timer is off."
tick_text:
        .asciz  "\r\ntick "
exception_text:
        .asciz  "Exception: syndrome "
address_text:
        .asciz  ", address "
instruction_text:
        .asciz  ", instruction at "
prompt_text:
        .asciz  "\r\nhello> "
farewell:
        .asciz  "\r\nGood night.\r\n"
new_line_text:
        .asciz  "\r\n"

// Exceptions from this level with its own stack pointer, synchronous: the only ones that can occur.
        .balign 2048
vectors:
        .space  0x200
        b       report

        .balign 16
        .space  1024
stack_top:
