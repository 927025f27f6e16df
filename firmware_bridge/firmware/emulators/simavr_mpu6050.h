/* An MPU-6050 on the I2C bus of a simulated AVR: the registers a driver needs, and samples from a file. */
#ifndef SIMAVR_MPU6050_H
#define SIMAVR_MPU6050_H

#include <simavr/sim_avr.h>

/* Put the sensor on the bus. The file holds int16 x, y, z in counts, of six ``channels`` the turning rate behind them; one
 * sample becomes ready every 10 ms of simulated time while the sensor is set up, the last one again and again. Return 0 if
 * the file can be read. */
int mpu6050_attach(avr_t *avr, const char *samples_path, int channels);

#endif
