/* A stand-in for the Arduino core: what the library asks of one, declared, so that a compiler can check its calls. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

/* The one analog input that all boards have. */
#define A0 14

unsigned long micros(void);
unsigned long millis(void);
void delay(unsigned long milliseconds);
int analogRead(uint8_t pin);

struct SerialStub {
    void begin(unsigned long baud);
    int available();
    int read();
    size_t write(uint8_t byte);
};

extern SerialStub Serial;

#endif
