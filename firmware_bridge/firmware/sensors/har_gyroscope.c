/* The gyroscopes, each from the data sheet that har_sensors.c names, at +-2000 degrees/s and the accelerometer's rate. */
#include "har_gyroscope.h"

/* Bytes 6 and 7 are the temperature. One read of all of them is of one moment. */
const har_gyroscope har_mpu6050_gyroscope = {
    {0x1B, 0x18, 30}, /* GYRO_CONFIG: FS_SEL 3, +-2000 degrees/s; DLPF_CFG 3 gives it a bandwidth of 42 Hz */
    0x01,             /* DATA_RDY_INT: all of them */
    0x3B,             /* ACCEL_XOUT_H */
    14,
    0,
    8,
    16.4f,
};

/* Of LSM6DS3 and LSM6DSOX, which are alike in this. */
const har_gyroscope har_lsm6_gyroscope = {
    {0x11, 0x4C, 80}, /* CTRL2_G: 104 Hz, +-2000 degrees/s; then it turns on */
    0x03,             /* GDA, XLDA */
    0x22,             /* OUTX_L_G: the accelerometer's registers follow */
    12,
    6,
    0,
    14.285714f, /* 70 mdps/LSB */
};

har_sensor_status har_motion_start(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                   uint8_t *address)
{
    const har_setting *setting = &gyroscope->setting;
    const har_sensor_status found = har_sensor_start(sensor, bus, address);
    if (found != HAR_SENSOR_OK)
        return found;
    if (bus->write(*address, setting->reg, setting->value) != 0)
        return HAR_SENSOR_FAILED;
    bus->wait_ms(setting->wait_ms);
    return HAR_SENSOR_OK;
}

har_sensor_status har_motion_poll(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                  uint8_t address, uint8_t *ready)
{
    uint8_t status;
    if (bus->read(address, sensor->status_register, &status, 1) != 0)
        return HAR_SENSOR_FAILED;
    *ready = (status & gyroscope->status_ready) == gyroscope->status_ready;
    return HAR_SENSOR_OK;
}

har_sensor_status har_motion_read(const har_sensor *sensor, const har_gyroscope *gyroscope, const har_bus *bus,
                                  uint8_t address, int16_t counts[6])
{
    uint8_t bytes[HAR_MOST_MOTION_BYTES], axis;
    if (bus->read(address, gyroscope->data_register, bytes, gyroscope->data_bytes) != 0)
        return HAR_SENSOR_FAILED;
    for (axis = 0; axis < 3; axis++) {
        counts[axis] = har_sensor_counts(bytes + gyroscope->acceleration + 2 * axis, sensor->big_endian);
        counts[3 + axis] = har_sensor_counts(bytes + gyroscope->turning + 2 * axis, sensor->big_endian);
    }
    return HAR_SENSOR_OK;
}
