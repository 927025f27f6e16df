/* Linear interpolation on a grid that is no finer than the sensor's. */
#include "har_rate.h"

#define ONE 65536u

void har_rate_open(har_rate *rate, uint16_t sensor, uint16_t model)
{
    rate->step = (uint32_t)(((uint64_t)sensor * ONE + model / 2) / model);
    if (rate->step < ONE)
        rate->step = ONE;
    rate->until = 0;
    rate->begun = 0;
}

uint8_t har_rate_convert(har_rate *rate, int16_t sample[3])
{
    uint8_t axis, due = 0;
    if (!rate->begun) {
        rate->begun = 1;
        rate->until = rate->step;
        due = 1;
        for (axis = 0; axis < 3; axis++)
            rate->last[axis] = sample[axis];
    } else if (rate->until <= ONE) {
        /* 15 bits of place: a difference of 17 bits times it stays within 32. */
        const int32_t place = (int32_t)(rate->until / 2);
        for (axis = 0; axis < 3; axis++) {
            const int16_t fresh = sample[axis];
            const int32_t rise = ((int32_t)fresh - rate->last[axis]) / 2;
            sample[axis] = (int16_t)(place == 32768 ? fresh : rate->last[axis] + rise * place / 16384);
            rate->last[axis] = fresh;
        }
        rate->until += rate->step - ONE;
        due = 1;
    } else {
        for (axis = 0; axis < 3; axis++)
            rate->last[axis] = sample[axis];
        rate->until -= ONE;
    }
    return due;
}
