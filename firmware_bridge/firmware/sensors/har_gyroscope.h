/* The gyroscope of a chip that holds an accelerometer too: it is set up after that, and both are read at once. */
#ifndef HAR_GYROSCOPE_H
#define HAR_GYROSCOPE_H

#include "har_sensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HAR_MOST_MOTION_BYTES 14

typedef struct har_gyroscope {
    har_setting setting;   /* that starts it, after those of the accelerometer */
    uint8_t status_ready;  /* bits of the status register that say that both have a sample */
    uint8_t data_register; /* the first of those that hold both */
    uint8_t data_bytes;    /* HAR_MOST_MOTION_BYTES at most */
    uint8_t acceleration;  /* where x of the acceleration stands in these bytes */
    uint8_t turning;       /* and the turning rate about x */
    float counts_per_deg_s;
} har_gyroscope;

extern const har_gyroscope har_mpu6050_gyroscope, har_lsm6_gyroscope;

/* Find the chip, identify it, set both up; say at which address it is. */
har_sensor_status har_motion_start(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                   uint8_t *address);

/* Whether both have a sample, or what went wrong. */
har_sensor_status har_motion_poll(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                  uint8_t address, uint8_t *ready);

/* Read the acceleration along x, y, z and the turning rate about them, in counts. */
har_sensor_status har_motion_read(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                  uint8_t address, int16_t counts[6]);

#ifdef __cplusplus
}
#endif

#endif
