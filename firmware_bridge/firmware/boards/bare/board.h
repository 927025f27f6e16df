/* What a board without an operating system gives main besides har_board.h. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Start clocks and UART. */
void board_start(void);

/* Another number after every boot. */
uint16_t board_boot_id(void);

/* Wait for a byte from the line. */
uint8_t board_get(void);

#endif
