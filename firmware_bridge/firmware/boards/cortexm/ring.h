/* Bytes on their way from an interrupt to the main loop. */
#ifndef RING_H
#define RING_H

#include <stdint.h>

#define RING_BYTES 512u

typedef struct ring {
    volatile uint32_t head, tail;
    volatile uint8_t bytes[RING_BYTES];
} ring;

/* A byte too many is dropped: the checksum of its frame will tell. */
static inline void ring_add(ring *to, uint8_t byte)
{
    if (to->head - to->tail < RING_BYTES)
        to->bytes[to->head++ % RING_BYTES] = byte;
}

/* Sleep until there is a byte, and take it. An interrupt that comes between the look and the sleep still wakes. */
static inline uint8_t ring_wait(ring *from)
{
    for (;;) {
        __asm volatile("cpsid i" ::: "memory");
        if (from->head != from->tail)
            break;
        __asm volatile("wfi\n cpsie i" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
    return from->bytes[from->tail++ % RING_BYTES];
}

#endif
