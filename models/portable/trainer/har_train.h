/* The trainer: loss and gradient of a stack of recurrent layers with a softmax layer at its end.
 *
 * Strategy. Windows are computed side by side, one in each lane of two vectors: every product is then a weight, the same
 * for all lanes, times two vectors of values. So many windows are a tile. The states of all steps of one tile are kept;
 * the gradient walks back over them, and those of the kernels are summed over a stretch of steps at a time, while these
 * are still in the cache. Weights and gradients are flat arrays in Keras's order and layout:
 *
 *     for each layer: kernel (inputs, units x gates), recurrent kernel (units, units x gates), bias
 *     at the end:     kernel (units, classes), bias (classes)
 *
 * Gates are those of Keras: i, f, c, o of an LSTM; z, r, h of a GRU, whose bias is (2, 3 x units) (reset_after).
 *
 * No allocation, no global state: the caller gives the memory, and threads are the caller's, each with its own memory
 * and its own gradient. */
#ifndef HAR_TRAIN_H
#define HAR_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#define HAR_TRAIN_MOST_LAYERS 8

enum { HAR_TRAIN_SIMPLE_RNN = 0, HAR_TRAIN_LSTM = 1, HAR_TRAIN_GRU = 2 };

typedef enum {
    HAR_TRAIN_OK = 0,
    HAR_TRAIN_NO_STACK = 1, /* a layer, size or step that there cannot be */
    HAR_TRAIN_NO_MEMORY = 2 /* memory that is missing or not aligned to 64 bytes */
} har_train_status;

typedef struct {
    int32_t steps;    /* of a window */
    int32_t channels; /* of a step */
    int32_t classes;
    int32_t depth; /* recurrent layers */
    int32_t kinds[HAR_TRAIN_MOST_LAYERS];
    int32_t units[HAR_TRAIN_MOST_LAYERS];
} har_train_stack;

/* What the loss looks at. */
typedef struct {
    const int32_t *steps; /* where the output layer answers, from 0, increasing; the last answer is the final one */
    const float *shares;  /* what each answer counts */
    int32_t count;
    int32_t target_sets; /* 1: every answer has the window's one target; count: each answer has its own */
} har_train_answers;

typedef struct {
    double loss;       /* sum over windows of the shared cross-entropies */
    double final_loss; /* sum over windows of the last answer's cross-entropy */
    double correct;    /* windows whose last answer is their most wanted class */
} har_train_result;

/* Windows in a tile. */
size_t har_train_lanes(void);

/* Numbers in the flat arrays, and bytes of memory that one thread works in, for so many answers; 0 if there cannot be
 * such a stack. */
size_t har_train_parameters(const har_train_stack *stack);
size_t har_train_memory(const har_train_stack *stack, int32_t answers);

/* Add the results to ``result`` and the gradient of (scale x loss) to ``gradient``.
 *
 * windows (count, steps, channels); targets (count, target_sets, classes): what each class should get, of any sum;
 * masks: what each layer's state is multiplied by before it enters the next step, the same at every step: for each
 * layer (count, units), one layer after the other, each (masks_rows, units); NULL for none. */
har_train_status har_train_gradient(const har_train_stack *stack, void *memory, const float *parameters,
                                    const har_train_answers *answers, const float *windows, const float *targets,
                                    const float *masks, size_t masks_rows, size_t count, float scale, float *gradient,
                                    har_train_result *result);

/* Logits (count, classes) of the last step. */
har_train_status har_train_logits(const har_train_stack *stack, void *memory, const float *parameters,
                                  const float *windows, size_t count, float *logits);

#endif
