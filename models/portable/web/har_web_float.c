/* The float engine in the module, with the names it shares with the other one made its own. */
#ifndef HAR_FLOAT
#error "compile this file with HAR_FLOAT"
#endif
#define har_load har_float_load
#define har_native_size har_float_size
#define har_native_open har_float_open
#define har_native_memory har_float_memory
#define har_native_predict har_float_predict
#include "../engine/har_blob.c"
#include "../host/har_native_float.c"
#include "har_web_model.h"

const har_web_engine har_web_float = {har_open_here, har_predict_here};
