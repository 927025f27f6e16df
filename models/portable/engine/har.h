/* The portable recurrent engine: one model, one sample at a time, on anything with a C99 compiler.
 *
 *   har_open    give the engine a model and the memory the model asks for
 *   har_reset   begin a window
 *   har_step    one sample of the sensor
 *   har_finish  the probabilities, one step after the last sample; har_finish_numbers for a model that predicts numbers
 *
 * No allocation, no global state, no window buffer. Built twice from the same sources: with HAR_FLOAT defined it takes
 * float samples in g; without, it computes in integers only, and every target gives the same bits. The number formats
 * are in docs/c-engine.md. */
#ifndef HAR_H
#define HAR_H

#include "har_config.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(HAR_NUMBERS_HEADER)
#include HAR_NUMBERS_HEADER /* float, many at once: for a desktop, see host/ */
#elif defined(HAR_FLOAT)
typedef float har_sample;      /* acceleration in g */
typedef float har_probability; /* 0 to 1 */
typedef float har_value;       /* what one layer hands to the next */
typedef float har_sum;         /* what a row of weights adds up to */
typedef float har_weight;
typedef float har_bias;
#else
typedef int16_t har_sample;       /* acceleration in 1/2048 g: a sensor of 16 g fills the range */
typedef uint16_t har_probability; /* 32768 is 1 */
typedef int16_t har_value;
typedef int32_t har_sum;
typedef int8_t har_weight;
typedef int32_t har_bias;
#endif

/* A probability of one, and a number of one. */
#ifdef HAR_FLOAT
#define HAR_ONE 1.0f
#define HAR_NUMBER_ONE 1.0f
#else
#define HAR_ONE 32768u
#define HAR_NUMBER_ONE 8192
#endif

#ifndef HAR_NUMBERS_HEADER
typedef har_sum har_number; /* what a model predicts that gives no probabilities */
#endif

typedef enum har_status {
    HAR_OK = 0,
    HAR_BAD_ARGUMENT,  /* a null pointer */
    HAR_SMALL_MEMORY,  /* less memory than the model asks for */
    HAR_WINDOW_FULL,   /* har_step after the last sample of a window: finish, then reset */
    HAR_WINDOW_EMPTY,  /* har_finish before the first sample, or before the last one where all are needed */
    HAR_NOT_A_MODEL,   /* these bytes are no model, or one cut short */
    HAR_OTHER_VERSION, /* a model of a later format: update the engine */
    HAR_OTHER_NUMBERS, /* a float model in an integer engine, or the reverse */
    HAR_DAMAGED_MODEL, /* a model with a wrong checksum or with numbers that cannot be */
    HAR_OTHER_HEAD,    /* har_finish of a model that predicts numbers: har_finish_numbers has them */
    HAR_NO_STREAM      /* har_stream_step of a model with layers that need more than a sample and a state */
} har_status;

typedef enum har_kind {
    HAR_SIMPLE_RNN = 1,
    HAR_LSTM,
    HAR_GRU,
    HAR_GRU_RESET_AFTER,
    HAR_DENSE,
    HAR_CONV,
    HAR_RESIDUAL, /* the second convolution of a temporal block, and the way around both */
    HAR_MAX_POOL,
    HAR_AVERAGE_POOL,
    HAR_GLOBAL_MAX,
    HAR_GLOBAL_AVERAGE,
    HAR_DENSE_OVER_TIME, /* a dense layer over all steps in one vector */
    HAR_ATTENTION, /* of every step to all steps; its kernel makes keys, values and queries */
    /* Around branches: a fork, the layers of a branch, its end, those of the next one; the last one's end is the join. */
    HAR_FORK,
    HAR_END,
    HAR_JOIN
} har_kind;

/* Where a filter lies at the ends of the window: inside, centred, or looking back only. */
typedef enum har_padding { HAR_VALID, HAR_SAME, HAR_CAUSAL } har_padding;

/* How a layer that runs backward joins the one before it, which runs forward over the same vectors; and of a fork, how
 * what its branches make is joined. */
typedef enum har_merge { HAR_FORWARD, HAR_CONCAT, HAR_SUM, HAR_MUL, HAR_AVE } har_merge;

typedef enum har_activation {
    HAR_LINEAR = 1,
    HAR_RELU,
    HAR_TANH,
    HAR_SIGMOID,
    /* Heads, of the last layer: one label of several, labels by themselves, numbers. */
    HAR_SOFTMAX,
    HAR_SIGMOID_HEAD,
    HAR_LINEAR_HEAD
} har_activation;

/* Weights of one linear map. Float: input-major, as Keras keeps them. Integer: rows of one output each, two and two
 * interleaved (a0 b0 a1 b1 ...), an odd last row beside zeros; row j is worth multipliers[j] / 2^shift per unit. */
typedef struct har_matrix {
    const har_weight *weights;
    const har_bias *bias; /* one per output, or NULL */
#ifndef HAR_FLOAT
    const uint16_t *multipliers;
    uint8_t shift;
#endif
    uint16_t inputs;
    uint16_t outputs;
} har_matrix;

typedef struct har_layer {
    uint8_t kind;       /* har_kind */
    uint8_t activation; /* har_activation, of a dense layer */
    uint8_t fraction;   /* integer: bits below the point in what a linear or relu layer hands on */
    uint16_t units;     /* numbers it hands on */
    har_matrix kernel;
    har_matrix recurrent; /* not of a dense layer */
#if HAR_USE_TIME
    /* How the layer lies along the window. */
    uint16_t inputs, outputs; /* numbers of a vector it is given, and of one it hands on */
    uint16_t steps, count;    /* vectors it is given, and those it hands on */
    uint16_t taps, dilation, stride;
    uint16_t before, after; /* steps of zeros before the window; vectors handed on, or looked at, after it */
    uint8_t merge;          /* har_merge */
    uint8_t is_first_of_two; /* the next layer runs backward over what this one runs forward over */
    uint8_t around_bits;     /* integer: bits below the point of what goes around a layer as it is, or into a join */
    uint8_t heads;           /* of attention, and whether what it is given goes around it; of a fork, its branches */
    uint8_t inside_bits;     /* integer: bits below the point of its keys, values and queries */
    uint8_t goes_around;
    uint8_t hands_last; /* of a recurrent layer: its last vector alone is handed on */
#endif
} har_layer;

typedef struct har_model {
    const har_layer *layers;
    uint8_t layer_count;
    uint8_t step_layers; /* layers run for every sample; the others when the window is finished */
    uint16_t window;
    uint16_t channels;
    uint16_t classes;
    uint16_t scratch_sums; /* memory that one layer after another uses */
    uint16_t kept_sums;    /* memory between steps */
    uint16_t kept_values;
#if HAR_USE_OTHER_HEADS
    uint8_t head;        /* har_activation of the last layer */
    uint8_t sample_bits; /* integer: bits below the point of a sample; 11 for acceleration */
#endif
#if HAR_USE_TIME
    uint8_t needs_whole_windows; /* har_finish before the last sample is HAR_WINDOW_EMPTY */
#endif
#if HAR_USE_MASK
    uint8_t is_masked; /* a sample of which every number is mask_value is skipped: it changes no state */
    har_bias mask_value;
#endif
} har_model;

/* The state of one window. Only the engine reads and writes its members. */
typedef struct har_engine {
    const har_model *model;
    har_sum *scratch;
    har_sum *sums;
    har_value *values;
    uint16_t steps;
#if HAR_USE_MASK
    uint16_t taken; /* of these, those that are not masked */
#endif
} har_engine;

/* Open an engine on caller-owned memory, and reset it. A model asks for scratch_sums + kept_sums sums and kept_values
 * values. The model and the memory must outlive the engine. */
har_status har_open(har_engine *engine, const har_model *model, har_sum *sums, size_t sum_count, har_value *values,
                    size_t value_count);

/* Begin a window: whatever went before is forgotten. */
har_status har_reset(har_engine *engine);

/* Take one sample of model->channels numbers. */
har_status har_step(har_engine *engine, const har_sample *sample);

/* Write model->classes probabilities. A window is complete after model->window samples. It may be finished early where all
 * layers are recurrent or dense. */
har_status har_finish(const har_engine *engine, har_probability *probabilities);

#if HAR_USE_OTHER_HEADS
/* Write model->classes numbers: a forecast, or the logits of a model that gives probabilities. */
har_status har_finish_numbers(const har_engine *engine, har_number *numbers);
#endif

#ifdef __cplusplus
}
#endif

#endif
