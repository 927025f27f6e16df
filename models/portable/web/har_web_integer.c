/* The integer engine in the module, with the names it shares with the other one made its own. */
#define har_load har_integer_load
#define har_native_size har_integer_size
#define har_native_open har_integer_open
#define har_native_memory har_integer_memory
#define har_native_predict har_integer_predict
/* A model is loaded once: small, not fast. So are the layers that few models have. */
#define HAR_SMALLEST 1
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "../engine/har_blob.c"
#pragma clang attribute pop
#include "../engine/har_engine.c"
#include "../host/har_native_integer.c"
#include "har_web_model.h"

const har_web_engine har_web_integer = {har_open_here, har_predict_here};
