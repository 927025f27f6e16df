/* What the stand-ins do on a desktop: the bus has an MPU-6050 that measures what standard input says, a sample every
 * 10 ms; a number alone in the place of a sample is so many milliseconds in which nobody fetches one. */
#ifndef DESKTOP_H
#define DESKTOP_H

#include <Arduino.h>
#include <Wire.h>
#include <stdio.h>
#include <stdlib.h>

SerialStub Serial;
WireStub Wire;

static uint8_t har_stub_register, har_stub_at, har_stub_bytes[6];
static unsigned long har_stub_micros;

void SerialStub::begin(unsigned long) {}
int SerialStub::available() { return 0; }
int SerialStub::read() { return -1; }
size_t SerialStub::write(uint8_t) { return 1; }
unsigned long micros() { return har_stub_micros; }
unsigned long millis() { return har_stub_micros / 1000; }
void delay(unsigned long milliseconds) { har_stub_micros += 1000 * milliseconds; }
int analogRead(uint8_t) { return 0; }

void WireStub::begin() {}
void WireStub::setClock(uint32_t) {}
void WireStub::beginTransmission(uint8_t) { har_stub_at = 0; }
uint8_t WireStub::endTransmission() { return 0; }
uint8_t WireStub::endTransmission(bool) { return 0; }
uint8_t WireStub::requestFrom(uint8_t, size_t count, bool) { return (uint8_t)count; }

size_t WireStub::write(uint8_t byte)
{
    if (har_stub_at++ == 0)
        har_stub_register = byte;
    return 1;
}

/* Take the next line of standard input; the program ends with it. */
static void har_stub_measure()
{
    char line[64];
    int x, y, z;
    while (fgets(line, sizeof line, stdin)) {
        const int count = sscanf(line, "%d %d %d", &x, &y, &z);
        if (count == 3) {
            const int counts[3] = {x, y, z};
            for (int axis = 0; axis < 3; axis++) {
                har_stub_bytes[2 * axis] = (uint8_t)((unsigned)counts[axis] >> 8);
                har_stub_bytes[2 * axis + 1] = (uint8_t)counts[axis];
            }
            har_stub_micros += 10000;
            return;
        }
        har_stub_micros += 1000ul * (unsigned long)x;
    }
    exit(0);
}

uint8_t WireStub::requestFrom(uint8_t, size_t count)
{
    har_stub_at = 0;
    if (har_stub_register == 0x3A)
        har_stub_measure();
    return (uint8_t)count;
}

int WireStub::read()
{
    if (har_stub_register == 0x75)
        return 0x68; /* who it is */
    return har_stub_register == 0x3A ? 1 : har_stub_bytes[har_stub_at++]; /* ready; or a byte of the sample */
}

#endif
