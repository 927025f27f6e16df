/* The yardstick of tools/native_against_plain_c.py: two layers of 32 units and a dense one, written down as plainly as C
 * allows, every size a constant. Built with everything a compiler is allowed to do (-O3 -march=native -ffast-math).
 *
 *   plain_c KIND REPEATS < weights and a window
 *
 * KIND is lstm or simple_rnn. In: float32 kernel, recurrent kernel and bias of both layers, kernel and bias of the dense
 * one, then the window (200 x 3). Out: the twelve probabilities, then the nanoseconds of every repeat, one a line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEPS 200
#define CHANNELS 3
#define UNITS 32
#define CLASSES 12
#define GATES 4

static float kernel_1[CHANNELS * GATES * UNITS], recurrent_1[UNITS * GATES * UNITS], bias_1[GATES * UNITS];
static float kernel_2[UNITS * GATES * UNITS], recurrent_2[UNITS * GATES * UNITS], bias_2[GATES * UNITS];
static float dense_kernel[UNITS * CLASSES], dense_bias[CLASSES], window[STEPS * CHANNELS], probabilities[CLASSES];

static inline float fast_tanh(float x)
{
    const float y = x < -9.0f ? -9.0f : (x > 9.0f ? 9.0f : x), s = y * y;
    const float p = (((1.33546484e-08f * s + 2.06090718e-05f) * s + 0.00349558742f) * s + 0.13381025f) * s + 1.0f;
    const float q = (((7.77655263e-07f * s + 0.000328563372f) * s + 0.0258769794f) * s + 0.467143406f) * s + 1.0f;
    return y * p / q;
}

static inline float fast_sigmoid(float x)
{
    return 0.5f * fast_tanh(0.5f * x) + 0.5f;
}

/* sums += x weights */
#define ADD_PRODUCTS(sums, x, inputs, weights, outputs)        \
    for (int i = 0; i < (inputs); i++) {                       \
        const float input = (x)[i];                            \
        for (int j = 0; j < (outputs); j++)                    \
            (sums)[j] += input * (weights)[i * (outputs) + j]; \
    }

static void lstm_step(const float *x, int inputs, const float *kernel, const float *recurrent, const float *bias,
                      float *h, float *c)
{
    float z[GATES * UNITS];
    memcpy(z, bias, sizeof z);
    ADD_PRODUCTS(z, x, inputs, kernel, GATES * UNITS)
    ADD_PRODUCTS(z, h, UNITS, recurrent, GATES * UNITS)
    for (int j = 0; j < UNITS; j++) {
        c[j] = fast_sigmoid(z[UNITS + j]) * c[j] + fast_sigmoid(z[j]) * fast_tanh(z[2 * UNITS + j]);
        h[j] = fast_sigmoid(z[3 * UNITS + j]) * fast_tanh(c[j]);
    }
}

static void rnn_step(const float *x, int inputs, const float *kernel, const float *recurrent, const float *bias,
                     float *h)
{
    float z[UNITS];
    memcpy(z, bias, sizeof z);
    ADD_PRODUCTS(z, x, inputs, kernel, UNITS)
    ADD_PRODUCTS(z, h, UNITS, recurrent, UNITS)
    for (int j = 0; j < UNITS; j++)
        h[j] = fast_tanh(z[j]);
}

static void finish(const float *h)
{
    float largest, total = 0.0f;
    memcpy(probabilities, dense_bias, sizeof probabilities);
    ADD_PRODUCTS(probabilities, h, UNITS, dense_kernel, CLASSES)
    largest = probabilities[0];
    for (int k = 1; k < CLASSES; k++)
        largest = probabilities[k] > largest ? probabilities[k] : largest;
    for (int k = 0; k < CLASSES; k++)
        total += probabilities[k] = expf(probabilities[k] - largest);
    for (int k = 0; k < CLASSES; k++)
        probabilities[k] /= total;
}

static void run_lstm(void)
{
    float h_1[UNITS] = {0}, h_2[UNITS] = {0}, c_1[UNITS] = {0}, c_2[UNITS] = {0};
    for (int t = 0; t < STEPS; t++) {
        lstm_step(window + CHANNELS * t, CHANNELS, kernel_1, recurrent_1, bias_1, h_1, c_1);
        lstm_step(h_1, UNITS, kernel_2, recurrent_2, bias_2, h_2, c_2);
    }
    finish(h_2);
}

static void run_rnn(void)
{
    float h_1[UNITS] = {0}, h_2[UNITS] = {0};
    for (int t = 0; t < STEPS; t++) {
        rnn_step(window + CHANNELS * t, CHANNELS, kernel_1, recurrent_1, bias_1, h_1);
        rnn_step(h_1, UNITS, kernel_2, recurrent_2, bias_2, h_2);
    }
    finish(h_2);
}

static void take(float *into, size_t count)
{
    if (fread(into, sizeof *into, count, stdin) != count)
        exit(2);
}

int main(int count, char **arguments)
{
    const int is_lstm = count == 3 && strcmp(arguments[1], "lstm") == 0;
    const size_t width = (is_lstm ? GATES : 1) * UNITS;
    long repeats;
    if (count != 3 || (repeats = atol(arguments[2])) < 1)
        return 2;
    take(kernel_1, CHANNELS * width);
    take(recurrent_1, UNITS * width);
    take(bias_1, width);
    take(kernel_2, UNITS * width);
    take(recurrent_2, UNITS * width);
    take(bias_2, width);
    take(dense_kernel, UNITS * CLASSES);
    take(dense_bias, CLASSES);
    take(window, STEPS * CHANNELS);
    long *const nanoseconds = calloc((size_t)repeats, sizeof *nanoseconds);
    for (long r = 0; nanoseconds && r < repeats; r++) {
        struct timespec begun, ended;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        is_lstm ? run_lstm() : run_rnn();
        clock_gettime(CLOCK_MONOTONIC, &ended);
        nanoseconds[r] = (ended.tv_sec - begun.tv_sec) * 1000000000l + ended.tv_nsec - begun.tv_nsec;
    }
    for (int k = 0; k < CLASSES; k++)
        printf("%.9g\n", (double)probabilities[k]);
    for (long r = 0; nanoseconds && r < repeats; r++)
        printf("%ld\n", nanoseconds[r]);
    return nanoseconds ? 0 : 1;
}
