/* A stand-in for the Wire library, with the overloads that cores have. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

struct WireStub {
    void begin();
    void setClock(uint32_t hz);
    void beginTransmission(uint8_t address);
    size_t write(uint8_t byte);
    uint8_t endTransmission();
    uint8_t endTransmission(bool stop);
    uint8_t requestFrom(uint8_t address, size_t count);
    uint8_t requestFrom(uint8_t address, size_t count, bool stop);
    int read();
};

extern WireStub Wire;

#endif
