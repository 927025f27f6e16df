/* From reset to main, and the clocks, on any Cortex-M. The UART is in uart.c. */
#include "har_board.h"

#include "board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define COPROCESSOR_ACCESS REGISTER(0xE000ED88u)
#define DEBUG_CONTROL REGISTER(0xE000EDFCu)
#define TRACE_CONTROL REGISTER(0xE0001000u)
#define TRACE_CYCLES REGISTER(0xE0001004u)
#define SYSTICK_TOP 0xFFFFFFu

/* QEMU counts no cycles. Started with `-icount shift=3`, it lets an instruction take 8 ns of its clock. */
#define EMULATED_INSTRUCTIONS_PER_S 125000000u

extern uint32_t flash_data[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];

int main(void);
/* Copy initial values to RAM, clear the rest of it, and call main. */
void reset_handler(void);
/* The clock of 24 bits has run over. */
void systick_handler(void);

static volatile uint32_t wraps;
static uint8_t counts_cycles;
static uint32_t clock_hz;

/* An exception that nothing handles ends here. */
static void stop(void)
{
    for (;;)
        continue;
}

void reset_handler(void)
{
    uint32_t *from = flash_data, *to = data_begin;
    while (to < data_end)
        *to++ = *from++;
    for (to = bss_begin; to < bss_end; to++)
        *to = 0;
#ifdef __ARM_FP
    COPROCESSOR_ACCESS |= 0xFu << 20;
    __asm volatile("dsb\n isb");
#endif
    main();
    stop();
}

void systick_handler(void)
{
    wraps++;
}

typedef void (*har_vector)(void);

/* The stack, fifteen exceptions, then the board's interrupts up to its UART's. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    har_vector exceptions[15];
    har_vector interrupts[UART_INTERRUPT + 1];
} vectors = {
    stack_top,
    {reset_handler, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, systick_handler},
    {[UART_INTERRUPT] = uart_handler},
};

/* Ticks of the processor's clock since the start. */
static uint64_t clock_ticks(void)
{
    uint32_t times, value;
    do {
        times = wraps;
        value = SYSTICK_VALUE;
    } while (times != wraps);
    return ((uint64_t)times << 24) + (SYSTICK_TOP - value);
}

uint32_t har_board_micros(void)
{
    return (uint32_t)(clock_ticks() * 1000u / (clock_hz / 1000u));
}

uint32_t har_board_ticks(void)
{
    if (counts_cycles)
        return TRACE_CYCLES;
    return (uint32_t)(clock_ticks() * (EMULATED_INSTRUCTIONS_PER_S / 1000u) / (clock_hz / 1000u));
}

uint8_t har_board_tick_unit(void)
{
    return counts_cycles ? HAR_CYCLES : HAR_INSTRUCTIONS;
}

void har_board_put(uint8_t byte)
{
    uart_put(byte);
}

/* Start the clock, and find out whether the chip has a counter of cycles: QEMU has none. */
static void start_clocks(void)
{
    uint32_t before;
    SYSTICK_RELOAD = SYSTICK_TOP;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7;
    DEBUG_CONTROL |= 1u << 24;
    TRACE_CYCLES = 0;
    TRACE_CONTROL |= 1;
    before = TRACE_CYCLES;
    __asm volatile("nop\n nop\n nop\n nop");
    counts_cycles = TRACE_CYCLES != before;
    clock_hz = counts_cycles ? CLOCK_HZ : EMULATED_CLOCK_HZ;
}

/* Another one after every reset that leaves the memory's power on; after power-up, what the memory happened to hold. */
uint16_t board_boot_id(void)
{
    static uint16_t kept __attribute__((section(".noinit")));
    return ++kept;
}

void board_start(void)
{
    start_clocks();
    uart_start();
}

uint8_t board_get(void)
{
    return uart_get();
}
