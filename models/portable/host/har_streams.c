/* Push, forward recursion and sums over a whole stream; the order of every sum is that of the Python code. */
#include "har_streams.h"

#include <math.h>

/* Sums that are added up side by side, so that a compiler can do several at once: eight of each axis. */
#define AXES 3
#define LANES (8 * AXES)

static void forget_ride(har_stream_state *state)
{
    state->direction = 0;
    state->rides = 0;
    state->ready = 1;
}

/* Begin or end a ride, or get ready for the next one. */
static void take_push(const har_stream_rules *rules, har_stream_state *state, double push)
{
    const int64_t towards = push > 0.0 ? 1 : -1;
    if (fabs(push) < rules->weak_g) {
        state->ready = 1;
    } else if (fabs(push) > rules->strong_g) {
        if (state->rides) {
            state->rides = towards == state->direction;
            state->ready = 0;
        } else if (state->ready) {
            state->direction = towards;
            state->rides = 1;
            state->ready = 0;
        }
    }
}

/* Take the length of one sample's acceleration. */
static void step(const har_stream_rules *rules, har_stream_state *state, double length)
{
    double push;
    if (state->seen == 0)
        state->length = state->baseline = length;
    state->length += (length - state->length) / (double)rules->smoothing;
    state->deviation += (fabs(length - state->length) - state->deviation) / (double)rules->smoothing;
    if (state->deviation > rules->moving_g) {
        state->seen = state->seen < rules->settling ? state->seen + 1 : rules->settling;
        state->baseline += (length - state->baseline) / (double)rules->settling;
        state->off = 0;
        forget_ride(state);
        return;
    }
    push = state->length - state->baseline;
    if (fabs(push) <= rules->strong_g || state->seen < rules->settling) {
        state->seen = state->seen < rules->baseline ? state->seen + 1 : rules->baseline;
        state->baseline += (length - state->baseline) / (double)state->seen;
        state->off = 0;
    } else {
        state->off++;
        if (state->off > rules->longest_push || fabs(push) > rules->jump_g) {
            state->baseline = state->length;
            state->seen = rules->settling;
            state->off = 0;
            forget_ride(state);
            return;
        }
    }
    if (state->seen >= rules->settling)
        take_push(rules, state, push);
}

void har_streams_listen(const har_stream_rules *rules, har_stream_state *state, const float *samples_g, size_t count,
                        int8_t *directions)
{
    har_stream_state now = *state;
    size_t at;
    for (at = 0; at < count; at++, samples_g += 3) {
        const double x = samples_g[0], y = samples_g[1], z = samples_g[2];
        step(rules, &now, sqrt(x * x + y * y + z * z));
        directions[at] = (int8_t)now.direction;
    }
    *state = now;
}

/* The sum of a row, from its first number on. */
static double sum_of(const double *row, size_t classes)
{
    double sum = row[0];
    size_t k;
    for (k = 1; k < classes; k++)
        sum += row[k];
    return sum;
}

void har_streams_forward(const double *transitions, const double *evidence, size_t windows, size_t classes,
                         double *belief, int begun, double *posteriors)
{
    size_t window, k, from;
    double total;
    for (window = 0; window < windows; window++, evidence += classes, posteriors += classes) {
        if (begun) {
            for (k = 0; k < classes; k++)
                posteriors[k] = belief[0] * transitions[k];
            for (from = 1; from < classes; from++)
                for (k = 0; k < classes; k++)
                    posteriors[k] += belief[from] * transitions[from * classes + k];
        }
        for (k = 0; k < classes; k++)
            posteriors[k] = begun ? posteriors[k] * evidence[k] : evidence[k];
        total = sum_of(posteriors, classes);
        for (k = 0; k < classes; k++)
            belief[k] = posteriors[k] / total;
        total = sum_of(belief, classes);
        for (k = 0; k < classes; k++)
            posteriors[k] = belief[k] / total;
        begun = 1;
    }
}

/* Add up the lanes of each axis. */
static void join_lanes(const double *lanes, double *sums)
{
    size_t axis, k;
    for (axis = 0; axis < AXES; axis++) {
        sums[axis] = lanes[axis];
        for (k = axis + AXES; k < LANES; k += AXES)
            sums[axis] += lanes[k];
    }
}

void har_streams_sums(const float *samples_g, size_t windows, size_t length, size_t hop, double *sums, double *squares)
{
    const size_t count = length * AXES;
    size_t window, at, k;
    for (window = 0; window < windows; window++, samples_g += hop * AXES, sums += AXES) {
        double plain[LANES] = {0.0}, squared[LANES] = {0.0};
        for (at = 0; at + LANES <= count; at += LANES)
            for (k = 0; k < LANES; k++)
                plain[k] += (double)samples_g[at + k];
        for (k = 0; at + k < count; k++)
            plain[k] += (double)samples_g[at + k];
        join_lanes(plain, sums);
        if (squares == NULL)
            continue;
        for (at = 0; at + LANES <= count; at += LANES)
            for (k = 0; k < LANES; k++)
                squared[k] += (double)samples_g[at + k] * (double)samples_g[at + k];
        for (k = 0; at + k < count; k++)
            squared[k] += (double)samples_g[at + k] * (double)samples_g[at + k];
        join_lanes(squared, squares);
        squares += AXES;
    }
}
