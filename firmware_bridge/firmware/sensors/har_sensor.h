/* Accelerometers on an I2C bus: each is a table of registers from its data sheet, one driver walks them all. */
#ifndef HAR_SENSOR_H
#define HAR_SENSOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A board's bus; 0 for success. */
typedef struct har_bus {
    uint8_t (*write)(uint8_t address, uint8_t reg, uint8_t value);
    uint8_t (*read)(uint8_t address, uint8_t reg, uint8_t *bytes, uint8_t count);
    void (*wait_ms)(uint16_t milliseconds);
} har_bus;

typedef struct har_setting {
    uint8_t reg;
    uint8_t value;
    uint8_t wait_ms; /* afterwards */
} har_setting;

#define HAR_MOST_SETTINGS 6

typedef struct har_sensor {
    const char *name;
    uint8_t addresses[2]; /* with the address pin low and high, or as the data sheet lists them */
    uint8_t id_register;
    uint8_t id;
    har_setting settings[HAR_MOST_SETTINGS]; /* to its end, or to a register of 0xFF */
    uint8_t status_register;
    uint8_t status_ready; /* bit that says that a sample is there */
    uint8_t data_register;
    uint8_t big_endian;
    uint16_t samples_per_hundred_s; /* of its output data rate, nominal */
    float counts_per_g;
} har_sensor;

extern const har_sensor har_mpu6050, har_lsm6ds3, har_lsm6dsox, har_adxl345, har_lis3dh;

typedef enum har_sensor_status {
    HAR_SENSOR_OK = 0,
    HAR_SENSOR_ABSENT, /* nothing answers at its addresses */
    HAR_SENSOR_OTHER,  /* another sensor answers there */
    HAR_SENSOR_FAILED  /* it has stopped answering */
} har_sensor_status;

/* Find the sensor, identify it, set it up; say at which address it is. */
har_sensor_status har_sensor_start(const har_sensor *sensor, const har_bus *bus, uint8_t *address);

/* Whether there is a sample, or what went wrong. */
har_sensor_status har_sensor_poll(const har_sensor *sensor, const har_bus *bus, uint8_t address, uint8_t *ready);

/* Read the three axes, in counts. */
har_sensor_status har_sensor_read(const har_sensor *sensor, const har_bus *bus, uint8_t address, int16_t counts[3]);

/* Counts x multiplier / 2^shift, rounded half away from zero, saturated: the model's numbers. ``shift`` is 1 to 24. */
int16_t har_sensor_to_model(int16_t counts, uint16_t multiplier, uint8_t shift);

/* Two bytes as a signed number. */
int16_t har_sensor_counts(const uint8_t bytes[2], uint8_t big_endian);

#ifdef __cplusplus
}
#endif

#endif
