/* An ATmega328P at 16 MHz, as on an Arduino Uno, without Arduino's library: UART0 at 115200 baud, a cycle counter. */
#include "har_board.h"

#include "board.h"

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

/* A host waits for an answer after each frame: what comes meanwhile is short. */
#define RING 64u

static volatile uint8_t ring[RING], ring_head, ring_tail, overrun;
static volatile uint32_t overflows;

ISR(TIMER1_OVF_vect)
{
    overflows++;
}

ISR(USART_RX_vect)
{
    const uint8_t lost = UCSR0A & (1 << DOR0), byte = UDR0;
    const uint8_t head = (uint8_t)((ring_head + 1) % RING);
    if (lost || head == ring_tail) {
        overrun = 1; /* the frame's checksum will not be right: it is counted there */
        return;
    }
    ring[ring_head] = byte;
    ring_head = head;
}

/* Cycles since the start, in a counter of 16 bits and the times it ran over. */
static uint16_t cycle_counter(uint32_t *times)
{
    uint16_t low;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        low = TCNT1;
        *times = overflows;
        if ((TIFR1 & (1 << TOV1)) && low < 0x8000u)
            ++*times;
    }
    return low;
}

uint32_t har_board_ticks(void)
{
    uint32_t times;
    const uint16_t low = cycle_counter(&times);
    return times << 16 | low;
}

uint8_t har_board_tick_unit(void)
{
    return HAR_CYCLES;
}

uint32_t har_board_micros(void)
{
    uint32_t times;
    const uint16_t low = cycle_counter(&times);
    return (times << 12) + (low >> 4); /* 65536 cycles are 4096 microseconds */
}

void har_board_put(uint8_t byte)
{
    while (!(UCSR0A & (1 << UDRE0)))
        continue;
    UDR0 = byte;
}

/* UART0: 115200 baud, 8 bits, one stop bit, an interrupt for every byte that comes. */
static void start_uart(void)
{
    UCSR0A = 1 << U2X0;
    UBRR0 = F_CPU / 8 / 115200 - 1;
    UCSR0C = 3 << UCSZ00;
    UCSR0B = 1 << RXEN0 | 1 << TXEN0 | 1 << RXCIE0;
}

/* Timer 1 counts every cycle; its overflow interrupt counts what does not fit into 16 bits. */
static void start_timer(void)
{
    TCCR1A = 0;
    TCCR1B = 1 << CS10;
    TIMSK1 = 1 << TOIE1;
}

uint16_t board_boot_id(void)
{
    uint16_t *const kept = (uint16_t *)0;
    const uint16_t id = (uint16_t)(eeprom_read_word(kept) + 1);
    eeprom_update_word(kept, id);
    return id;
}

void board_start(void)
{
    start_timer();
    start_uart();
    sei();
}

uint8_t board_get(void)
{
    uint8_t byte;
    while (ring_tail == ring_head)
        continue;
    byte = ring[ring_tail];
    ring_tail = (uint8_t)((ring_tail + 1) % RING);
    return byte;
}
