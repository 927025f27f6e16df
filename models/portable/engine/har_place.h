/* Where the layers of a blob lie along the window, and whether they fit one another: included by har_blob.c. */
#ifndef HAR_PLACE_H
#define HAR_PLACE_H

#include "har.h"

/* What kinds of layers have. */
static int har_is_recurrent(uint8_t kind)
{
    return kind < HAR_DENSE;
}

static int har_is_pool(uint8_t kind)
{
    return kind == HAR_MAX_POOL || kind == HAR_AVERAGE_POOL;
}

static int har_is_whole(uint8_t kind)
{
    return kind == HAR_GLOBAL_MAX || kind == HAR_GLOBAL_AVERAGE;
}

static int har_is_branching(uint8_t kind)
{
    return kind >= HAR_FORK;
}

static int har_is_convolution(uint8_t kind)
{
    return kind == HAR_CONV || kind == HAR_RESIDUAL;
}

/* Place a filter along the steps, with the margins that its padding asks for. */
static har_status har_place_filter(har_layer *layer, uint8_t padding)
{
    const uint32_t reach = (uint32_t)(layer->taps - 1) * layer->dilation, steps = layer->steps;
    uint32_t before = 0, after = 0;
    if (padding == HAR_SAME) {
        const uint32_t wanted = ((steps + layer->stride - 1) / layer->stride - 1) * layer->stride + reach + 1;
        const uint32_t missing = wanted > steps ? wanted - steps : 0;
        before = missing / 2;
        after = missing - before;
    } else if (padding == HAR_CAUSAL) {
        before = reach;
    }
    if (steps + before + after <= reach)
        return HAR_DAMAGED_MODEL;
    layer->count = (uint16_t)((steps + before + after - reach - 1) / layer->stride + 1);
    layer->before = (uint16_t)before;
    /* A pool that the window cuts off is handed on with the last vector. */
    layer->after = har_is_pool(layer->kind) ? 0 : (uint16_t)after;
    return HAR_OK;
}

/* Place a layer along the steps it is given; ``ends`` where the window ends with it. */
static har_status har_place(har_layer *layer, uint8_t padding, uint16_t inputs, uint16_t steps, int at_end, int ends)
{
    const uint8_t kind = layer->kind;
    uint32_t outputs = kind == HAR_ATTENTION ? inputs : layer->units;
    layer->inputs = inputs;
    layer->steps = layer->count = steps;
    if (at_end && kind != HAR_DENSE)
        return HAR_DAMAGED_MODEL;
    if (kind == HAR_DENSE_OVER_TIME && layer->taps != steps)
        return HAR_DAMAGED_MODEL;
    if (har_is_whole(kind) || kind == HAR_DENSE_OVER_TIME || layer->hands_last)
        layer->count = 1;
    if (kind == HAR_ATTENTION) {
        if (ends || layer->taps != steps)
            return HAR_DAMAGED_MODEL;
        layer->after = steps;
    } else if (har_is_pool(kind) || har_is_convolution(kind)) {
        if (ends || (har_is_pool(kind) && layer->stride < layer->taps) || har_place_filter(layer, padding) != HAR_OK)
            return HAR_DAMAGED_MODEL;
    } else if (layer->merge) {
        outputs *= layer->merge == HAR_CONCAT ? 2u : 1u;
        layer->after = ends || layer->hands_last ? 0 : steps;
    }
    if (outputs > UINT16_MAX)
        return HAR_DAMAGED_MODEL;
    layer->outputs = (uint16_t)outputs;
    return HAR_OK;
}

/* Whether a convolution hands on a vector for every one it is given, at once. */
static int har_looks_back(const har_layer *layer)
{
    return layer->stride == 1 && layer->count == layer->steps && layer->after == 0;
}

/* Hold a layer that uses what the one before it was given, or made, to that one. */
static har_status har_pair(har_layer *layers, uint8_t index)
{
    const har_layer *layer = layers + index;
    har_layer *before = index > 0 ? layers + index - 1 : NULL;
    if (layer->merge && har_is_recurrent(layer->kind)) {
        if (!before || !har_is_recurrent(before->kind) || before->merge || before->units != layer->units ||
            before->hands_last)
            return HAR_DAMAGED_MODEL;
    }
    if (layer->kind == HAR_RESIDUAL) {
        const har_matrix *around = &layer->recurrent;
        if (!before || before->kind != HAR_CONV || !har_looks_back(before) || !har_looks_back(layer))
            return HAR_DAMAGED_MODEL;
        if (around->outputs ? around->inputs != before->inputs || around->outputs != layer->units
                            : before->inputs != layer->units)
            return HAR_DAMAGED_MODEL;
    }
    return HAR_OK;
}

/* Forks that are open at once, and branches of one of them: so many widened values are the most that 32 bits add up. */
#define HAR_MOST_FORKS 8
#define HAR_MOST_ENDS 8
#define HAR_MOST_PACE 65535u

/* When a branch hands on its vector number n: as its fork is given number ``stride`` n + ``lag``, or at the window's end.
 * A stride of 0: not known. */
typedef struct har_pace {
    uint32_t stride, lag;
} har_pace;

/* A fork whose branches end one after the other: the paces of its own chain and of the slowest branch. */
typedef struct har_fork_place {
    har_layer *layer;
    har_pace outer, slowest;
    uint32_t least_lag, outputs;
    uint16_t count;
} har_fork_place;

/* The place of the next layer. */
typedef struct har_walk {
    uint16_t numbers, steps;
    har_pace pace;
    har_fork_place forks[HAR_MOST_FORKS];
    uint8_t open;
} har_walk;

/* The pace behind what has another pace of its own. */
static har_pace har_slowed(har_pace pace, uint32_t stride, uint32_t lag)
{
    har_pace found;
    found.stride = pace.stride * stride;
    found.lag = pace.lag + pace.stride * lag;
    if (found.stride > HAR_MOST_PACE || found.lag > HAR_MOST_PACE)
        found.stride = 0;
    return found;
}

/* The pace behind a layer that is none of a fork. A pool that the window cuts off hands on before its end. */
static har_pace har_pace_behind(har_pace pace, const har_layer *layer)
{
    const uint32_t span = (uint32_t)(layer->taps - 1) * layer->dilation - layer->before;
    const int pool = har_is_pool(layer->kind);
    if (layer->kind == HAR_ATTENTION || layer->merge || layer->count == 1 ||
        (pool && (uint32_t)(layer->count - 1) * layer->stride + span >= layer->steps))
        pace.stride = 0;
    return pool || har_is_convolution(layer->kind) ? har_slowed(pace, layer->stride, span) : pace;
}

/* Joined vectors that wait for some branches, at most: see models/portable/forks.py. */
static uint16_t har_waiting(const har_fork_place *fork)
{
    const har_pace *slow = &fork->slowest;
    uint32_t ring, unseen = fork->count;
    if (slow->stride == 0)
        return fork->count;
    ring = (slow->lag - fork->least_lag) / slow->stride + 1;
    if (fork->layer->steps >= slow->lag + 2u) {
        const uint32_t seen = (fork->layer->steps - 2u - slow->lag) / slow->stride + 1;
        unseen = seen < fork->count ? fork->count - seen : 0;
    }
    ring = unseen > ring ? unseen : ring;
    return ring < fork->count ? (uint16_t)ring : fork->count;
}

/* Place a fork: its branches begin. */
static har_status har_place_fork(har_layer *layer, har_walk *walk)
{
    har_fork_place *fork = walk->forks + walk->open;
    if (layer->merge == HAR_FORWARD || walk->open == HAR_MOST_FORKS)
        return HAR_DAMAGED_MODEL;
    layer->heads = 0;
    layer->outputs = layer->inputs;
    fork->layer = layer;
    fork->outer = walk->pace;
    walk->pace.stride = 1;
    walk->pace.lag = 0;
    walk->open++;
    return HAR_OK;
}

/* Place the end of a branch beside those of the fork's other ones. */
static har_status har_place_end(const har_layer *layer, har_walk *walk, har_fork_place *fork)
{
    const har_pace pace = walk->pace;
    har_pace *slow = &fork->slowest;
    walk->pace.stride = 1;
    walk->pace.lag = 0;
    if (fork->layer->heads++ == 0) {
        *slow = pace;
        fork->least_lag = pace.lag;
        fork->count = layer->steps;
        fork->outputs = layer->inputs;
        return HAR_OK;
    }
    if (layer->steps != fork->count || (fork->layer->merge != HAR_CONCAT && layer->inputs != fork->outputs))
        return HAR_DAMAGED_MODEL;
    fork->outputs += fork->layer->merge == HAR_CONCAT ? layer->inputs : 0u;
    if (pace.stride != slow->stride)
        slow->stride = 0;
    slow->lag = pace.lag > slow->lag ? pace.lag : slow->lag;
    fork->least_lag = pace.lag < fork->least_lag ? pace.lag : fork->least_lag;
    return HAR_OK;
}

/* Place a fork, or the end of a branch; ``ends`` where the window ends with it. */
static har_status har_place_branching(har_layer *layer, har_walk *walk, int ends)
{
    har_fork_place *fork;
    layer->inputs = layer->outputs = walk->numbers;
    layer->steps = layer->count = walk->steps;
    if (layer->kind == HAR_FORK)
        return ends ? HAR_DAMAGED_MODEL : har_place_fork(layer, walk);
    if (walk->open == 0)
        return HAR_DAMAGED_MODEL;
    fork = walk->forks + walk->open - 1;
    if (layer->kind == HAR_JOIN && fork->layer->merge == HAR_CONCAT && layer->activation != HAR_LINEAR)
        return HAR_DAMAGED_MODEL;
    if (har_place_end(layer, walk, fork) != HAR_OK || fork->outputs > UINT16_MAX ||
        fork->layer->heads + (layer->kind == HAR_END) > (fork->layer->merge == HAR_MUL ? 2 : HAR_MOST_ENDS))
        return HAR_DAMAGED_MODEL;
    if (layer->kind == HAR_END) {
        layer->outputs = fork->layer->inputs;
        layer->count = fork->layer->steps;
        return ends ? HAR_DAMAGED_MODEL : HAR_OK;
    }
    if (fork->layer->heads < 2 || (ends && layer->count != 1))
        return HAR_DAMAGED_MODEL;
    layer->outputs = fork->layer->outputs = (uint16_t)fork->outputs;
    fork->layer->taps = har_waiting(fork);
    walk->pace = fork->outer;
    if (fork->slowest.stride == 0)
        walk->pace.stride = 0;
    walk->pace = har_slowed(walk->pace, fork->slowest.stride, fork->slowest.lag);
    walk->open--;
    return HAR_OK;
}

#endif
