/* USART1 of the STM32F405 on PB6 and PB7 (ST RM0090). */
#include "uart.h"

#include "ring.h"

#define AT(address) (*(volatile uint32_t *)(address))
#define PORT_CLOCKS AT(0x40023830u) /* RCC_AHB1ENR */
#define UART_CLOCKS AT(0x40023844u) /* RCC_APB2ENR */
#define PORT_B_MODES AT(0x40020400u)
#define PORT_B_FUNCTIONS AT(0x40020420u)
#define STATE AT(0x40011000u)
#define DATA AT(0x40011004u)
#define BAUD AT(0x40011008u)
#define CONTROL AT(0x4001100Cu)
#define RECEIVED (1u << 5)
#define SEND_EMPTY (1u << 7)
#define NVIC_ENABLE_32_TO_63 AT(0xE000E104u)

static ring received;

void uart_start(void)
{
    PORT_CLOCKS |= 1u << 1;
    UART_CLOCKS |= 1u << 4;
    PORT_B_MODES = (PORT_B_MODES & ~(0xFu << 12)) | 0xAu << 12;            /* PB6, PB7: alternate function */
    PORT_B_FUNCTIONS = (PORT_B_FUNCTIONS & ~(0xFFu << 24)) | 0x77u << 24; /* number 7: USART1 */
    BAUD = (CLOCK_HZ + 57600u) / 115200u;
    CONTROL = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2; /* on, interrupt on receiving, send, receive */
    NVIC_ENABLE_32_TO_63 = 1u << (UART_INTERRUPT - 32);
}

void uart_handler(void)
{
    while (STATE & RECEIVED)
        ring_add(&received, (uint8_t)DATA);
}

uint8_t uart_get(void)
{
    return ring_wait(&received);
}

void uart_put(uint8_t byte)
{
    while (!(STATE & SEND_EMPTY))
        continue;
    DATA = byte;
}
