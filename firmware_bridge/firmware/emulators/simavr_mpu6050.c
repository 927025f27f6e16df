/* What InvenSense RM-MPU-6000A-00 says of the registers that the driver uses. */
#include "simavr_mpu6050.h"

#include <simavr/avr_twi.h>
#include <simavr/sim_time.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS 0x68
#define SAMPLE_RATE_DIVIDER 0x19
#define INTERRUPT_STATUS 0x3A
#define FIRST_DATA 0x3B
#define FIRST_TURNING 0x43
#define GYROSCOPE_RANGE 0x1B
#define RANGE_2000 0x18
#define POWER 0x6B
#define IDENTITY 0x75
#define DEVICE_RESET 0x80
#define ASLEEP 0x40
#define DATA_READY 0x01
#define PERIOD_US 10000

typedef struct mpu6050 {
    avr_irq_t *irq;
    uint8_t registers[128];
    uint8_t at;
    uint8_t selected;
    uint8_t wants_register;
    int16_t *samples;
    int channels;
    size_t count, next;
} mpu6050;

/* Registers as after power-up. */
static void reset(mpu6050 *sensor)
{
    memset(sensor->registers, 0, sizeof sensor->registers);
    sensor->registers[POWER] = ASLEEP;
    sensor->registers[IDENTITY] = ADDRESS;
}

/* Take the next sample, when its time has come. */
static avr_cycle_count_t take_sample(avr_t *avr, avr_cycle_count_t when, void *param)
{
    mpu6050 *sensor = param;
    /* 1 kHz through the divider, once somebody has set it and woken the sensor. */
    if (!(sensor->registers[POWER] & ASLEEP) && sensor->registers[SAMPLE_RATE_DIVIDER] == 9) {
        const int16_t *sample = sensor->samples + sensor->next * (size_t)sensor->channels;
        int channel;
        for (channel = 0; channel < sensor->channels; channel++) {
            const int at = channel < 3 ? FIRST_DATA + 2 * channel : FIRST_TURNING + 2 * (channel - 3);
            /* The counts of a file are those of the range that the driver sets. */
            const int16_t counts = channel < 3 || sensor->registers[GYROSCOPE_RANGE] == RANGE_2000 ? sample[channel] : 0;
            sensor->registers[at] = (uint8_t)((uint16_t)counts >> 8);
            sensor->registers[at + 1] = (uint8_t)counts;
        }
        sensor->registers[INTERRUPT_STATUS] |= DATA_READY;
        if (sensor->next + 1 < sensor->count)
            sensor->next++;
    }
    return when + avr_usec_to_cycles(avr, PERIOD_US);
}

/* Answer the bus. */
static void answer(mpu6050 *sensor, uint8_t condition, uint8_t data)
{
    avr_raise_irq(sensor->irq + TWI_IRQ_INPUT, avr_twi_irq_msg(condition, sensor->selected, data));
}

/* Take a byte that is written: first the number of a register, then what goes into it and those behind it. */
static void store(mpu6050 *sensor, uint8_t value)
{
    if (sensor->wants_register) {
        sensor->at = value & 0x7F;
        sensor->wants_register = 0;
    } else if (sensor->at == POWER && (value & DEVICE_RESET)) {
        reset(sensor);
    } else {
        sensor->registers[sensor->at++ & 0x7F] = value;
    }
}

/* Read a register. */
static uint8_t fetch(mpu6050 *sensor)
{
    const uint8_t at = sensor->at++ & 0x7F, value = sensor->registers[at];
    if (at == INTERRUPT_STATUS)
        sensor->registers[at] = 0; /* reading clears it */
    return value;
}

/* What the board does on the bus. */
static void on_bus(struct avr_irq_t *irq, uint32_t value, void *param)
{
    mpu6050 *sensor = param;
    avr_twi_msg_irq_t message;
    (void)irq;
    message.u.v = value;
    if (message.u.twi.msg & TWI_COND_STOP)
        sensor->selected = 0;
    if (message.u.twi.msg & TWI_COND_START) {
        sensor->selected = 0;
        if (message.u.twi.addr >> 1 == ADDRESS) {
            sensor->selected = (uint8_t)message.u.twi.addr;
            sensor->wants_register = !(message.u.twi.addr & 1);
            answer(sensor, TWI_COND_ACK, 1);
        }
    }
    if (!sensor->selected)
        return;
    if (message.u.twi.msg & TWI_COND_WRITE) {
        answer(sensor, TWI_COND_ACK, 1);
        store(sensor, (uint8_t)message.u.twi.data);
    }
    if (message.u.twi.msg & TWI_COND_READ)
        answer(sensor, TWI_COND_READ, fetch(sensor));
}

/* Read the samples of a file: an int16 for every channel. */
static int read_samples(mpu6050 *sensor, const char *path)
{
    FILE *file = fopen(path, "rb");
    long bytes;
    if (!file)
        return -1;
    fseek(file, 0, SEEK_END);
    bytes = ftell(file);
    rewind(file);
    sensor->count = (size_t)bytes / ((size_t)sensor->channels * sizeof *sensor->samples);
    sensor->samples = calloc(sensor->count + 1, (size_t)sensor->channels * sizeof *sensor->samples);
    if (sensor->count == 0 || !sensor->samples ||
        fread(sensor->samples, (size_t)sensor->channels * sizeof *sensor->samples, sensor->count, file) != sensor->count)
        sensor->count = 0;
    fclose(file);
    return sensor->count > 0 ? 0 : -1;
}

int mpu6050_attach(avr_t *avr, const char *samples_path, int channels)
{
    static const char *names[TWI_IRQ_COUNT] = {"8>mpu6050.in", "32<mpu6050.out", "8<mpu6050.status"};
    static mpu6050 sensor;
    const uint32_t bus = AVR_IOCTL_TWI_GETIRQ(0);
    sensor.channels = channels;
    if (read_samples(&sensor, samples_path) != 0)
        return -1;
    reset(&sensor);
    sensor.irq = avr_alloc_irq(&avr->irq_pool, 0, TWI_IRQ_COUNT, names);
    avr_irq_register_notify(sensor.irq + TWI_IRQ_OUTPUT, on_bus, &sensor);
    avr_connect_irq(sensor.irq + TWI_IRQ_INPUT, avr_io_getirq(avr, bus, TWI_IRQ_INPUT));
    avr_connect_irq(avr_io_getirq(avr, bus, TWI_IRQ_OUTPUT), sensor.irq + TWI_IRQ_OUTPUT);
    avr_cycle_timer_register_usec(avr, PERIOD_US, take_sample, &sensor);
    return 0;
}
