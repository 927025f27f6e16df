/* Numbers of the MPS2 board: Arm DAI 0386, Application Note AN386, sections 3.1 (clocks) and 4.2 (interrupts). */
#ifndef UART_BOARD_H
#define UART_BOARD_H

#define CLOCK_HZ 25000000u
#define EMULATED_CLOCK_HZ 25000000u
#define UART_INTERRUPT 0

#endif
