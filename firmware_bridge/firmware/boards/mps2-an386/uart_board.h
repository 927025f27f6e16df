/* Numbers of the MPS2 board: Arm DAI 0386, Application Note AN386. */
#ifndef UART_BOARD_H
#define UART_BOARD_H

#define CLOCK_HZ 25000000u
#define EMULATED_CLOCK_HZ 25000000u
#define UART_INTERRUPT 0

#endif
