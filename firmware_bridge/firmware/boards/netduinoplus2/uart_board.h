/* Numbers of the STM32F405 (ST RM0090): it runs from its internal oscillator; QEMU's runs at 168 MHz. */
#ifndef UART_BOARD_H
#define UART_BOARD_H

#define CLOCK_HZ 16000000u
#define EMULATED_CLOCK_HZ 168000000u
#define UART_INTERRUPT 37

#endif
