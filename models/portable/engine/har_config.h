/* What this build of the engine contains. A generated firmware project replaces this file with one that names only the
 * layers of its model, so that the others take no flash. */
#ifndef HAR_CONFIG_H
#define HAR_CONFIG_H

#define HAR_USE_SIMPLE_RNN 1
#define HAR_USE_LSTM 1
#define HAR_USE_GRU 1
#define HAR_USE_HIDDEN_DENSE 1
#define HAR_USE_MASK 1
#define HAR_USE_OTHER_HEADS 1

/* Layers along time, and any of them. */
#define HAR_USE_CONV 1
#define HAR_USE_RESIDUAL 1
#define HAR_USE_POOL 1
#define HAR_USE_WHOLE 1
#define HAR_USE_DENSE_OVER_TIME 1
#define HAR_USE_ATTENTION 1
#ifndef HAR_USE_BRANCHES
#define HAR_USE_BRANCHES 1
#endif
#define HAR_USE_BACKWARD 1
#define HAR_USE_TIME 1

/* Models without layers along time, too: they have a walk of their own, which is shorter. */
#define HAR_USE_PLAIN 1

#endif
