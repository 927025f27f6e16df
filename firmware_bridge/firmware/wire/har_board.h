/* What a board does for a device. */
#ifndef HAR_BOARD_H
#define HAR_BOARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Send a byte, waiting for the line if need be. */
void har_board_put(uint8_t byte);

/* Microseconds since some moment, modulo 2^32. */
uint32_t har_board_micros(void);

/* What har_board_ticks counts. */
#define HAR_MICROSECONDS 0
#define HAR_CYCLES 1
#define HAR_INSTRUCTIONS 2

/* A counter that runs forward while the engine computes, modulo 2^32, and what it counts. */
uint32_t har_board_ticks(void);
uint8_t har_board_tick_unit(void);

#ifdef __cplusplus
}
#endif

#endif
