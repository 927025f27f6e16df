/* From a sensor's rate down to the model's: straight lines between neighbouring samples. Sensors here are at most a few
 * percent faster than a model of 100 Hz; a host that classifies does better
 * (docs/decisions/0008-one-decoder-one-clock.md). */
#ifndef HAR_RATE_H
#define HAR_RATE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct har_rate {
    uint32_t step;  /* sensor samples to one of the model, 2^-16 */
    uint32_t until; /* sensor samples from the last one to the next output, 2^-16 */
    int16_t last[3];
    uint8_t begun;
} har_rate;

/* Both rates in samples per hundred seconds; the sensor's must not be the lower one. */
void har_rate_open(har_rate *rate, uint16_t sensor, uint16_t model);

/* Take a sample; return 1 if there is one for the model, which takes its place. */
uint8_t har_rate_convert(har_rate *rate, int16_t sample[3]);

#ifdef __cplusplus
}
#endif

#endif
