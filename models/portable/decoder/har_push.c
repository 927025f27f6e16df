/* The length of acceleration, smoothed, against a slow baseline; movement and jumps forget the ride. */
#include "har_push.h"

#include <math.h>

static void forget_ride(har_push *push)
{
    push->direction = 0;
    push->rides = 0;
    push->ready = 1;
}

/* Begin or end a ride, or get ready for the next one. */
static void take_push(har_push *push, float height)
{
    const int8_t towards = height > 0.0f ? 1 : -1;
    if (fabsf(height) < push->rules->weak_g) {
        push->ready = 1;
    } else if (fabsf(height) > push->rules->strong_g) {
        if (push->rides) {
            push->rides = towards == push->direction;
            push->ready = 0;
        } else if (push->ready) {
            push->direction = towards;
            push->rides = 1;
            push->ready = 0;
        }
    }
}

void har_push_open(har_push *push, const har_push_rules *rules)
{
    push->rules = rules;
    push->length = push->baseline = push->deviation = 0.0f;
    push->seen = push->off = 0;
    forget_ride(push);
}

int8_t har_push_step(har_push *push, const float sample_g[3])
{
    const har_push_rules *rules = push->rules;
    const float length =
        sqrtf(sample_g[0] * sample_g[0] + sample_g[1] * sample_g[1] + sample_g[2] * sample_g[2]);
    float height;
    if (push->seen == 0)
        push->length = push->baseline = length;
    push->length += (length - push->length) / (float)rules->smoothing;
    push->deviation += (fabsf(length - push->length) - push->deviation) / (float)rules->smoothing;
    if (push->deviation > rules->moving_g) {
        push->seen = push->seen < rules->settling ? push->seen + 1 : rules->settling;
        push->baseline += (length - push->baseline) / (float)rules->settling;
        push->off = 0;
        forget_ride(push);
        return push->direction;
    }
    height = push->length - push->baseline;
    if (fabsf(height) <= rules->strong_g || push->seen < rules->settling) {
        push->seen = push->seen < rules->baseline ? push->seen + 1 : rules->baseline;
        push->baseline += (length - push->baseline) / (float)push->seen;
        push->off = 0;
    } else {
        push->off++;
        if (push->off > rules->longest_push || fabsf(height) > rules->jump_g) {
            push->baseline = push->length;
            push->seen = rules->settling;
            push->off = 0;
            forget_ride(push);
            return push->direction;
        }
    }
    if (push->seen >= rules->settling)
        take_push(push, height);
    return push->direction;
}

void har_push_redistribute(const har_push_rules *rules, int8_t direction, float *posterior)
{
    const float mass = posterior[rules->up] + posterior[rules->down];
    const float odds = expf(0.5f * rules->log_odds * (float)direction);
    const float rise = posterior[rules->up] * odds;
    const float fall = posterior[rules->down] / odds;
    if (direction == 0 || !(rise + fall > 0.0f))
        return;
    posterior[rules->up] = mass * (rise / (rise + fall));
    posterior[rules->down] = mass * (fall / (rise + fall));
}
