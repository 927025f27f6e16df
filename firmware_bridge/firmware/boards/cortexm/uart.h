/* The UART of a Cortex-M board: its interrupt keeps what comes while the engine computes. */
#ifndef UART_H
#define UART_H

#include "uart_board.h"

#include <stdint.h>

void uart_start(void);
void uart_handler(void);
void uart_put(uint8_t byte);

/* Wait for a byte. */
uint8_t uart_get(void);

#endif
