/* UART0 of the MPS2 board, a CMSDK APB UART (Arm DDI 0479). */
#include "uart.h"

#include "ring.h"

#define REGISTER(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))
#define DATA REGISTER(0x00)
#define STATE REGISTER(0x04)
#define CONTROL REGISTER(0x08)
#define INTERRUPTS REGISTER(0x0C)
#define DIVIDER REGISTER(0x10)
#define SEND_FULL 1u
#define RECEIVE_FULL 2u
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100u)

static ring received;

void uart_start(void)
{
    DIVIDER = CLOCK_HZ / 115200u;
    CONTROL = 1u | 2u | 8u; /* send, receive, interrupt on receiving */
    NVIC_ENABLE = 1u << UART_INTERRUPT;
}

void uart_handler(void)
{
    INTERRUPTS = 2u;
    while (STATE & RECEIVE_FULL)
        ring_add(&received, (uint8_t)DATA);
}

uint8_t uart_get(void)
{
    return ring_wait(&received);
}

void uart_put(uint8_t byte)
{
    while (STATE & SEND_FULL)
        continue;
    DATA = byte;
}
