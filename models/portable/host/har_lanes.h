/* Floats by the vector, as the machine's registers hold them: the number type of har_units.c and har_windows.c. */
#ifndef HAR_LANES_H
#define HAR_LANES_H

#if defined(__AVX512F__)
#define HAR_LANES 16
#elif defined(__AVX__)
#define HAR_LANES 8
#else
#define HAR_LANES 4
#endif

/* Loads and stores need no more than a float's alignment, and may look at plain floats. */
typedef float har_lanes __attribute__((vector_size(4 * HAR_LANES), aligned(4), may_alias));
typedef int har_mask __attribute__((vector_size(4 * HAR_LANES)));

typedef float har_weight;
typedef float har_bias;
typedef har_lanes har_value;
typedef har_lanes har_sum;
#ifdef HAR_LANES_OF_WINDOWS
typedef har_lanes har_sample;
typedef har_lanes har_probability;
typedef har_lanes har_number;
#else
typedef float har_sample;
typedef float har_probability;
typedef float har_number;
#endif

#endif
