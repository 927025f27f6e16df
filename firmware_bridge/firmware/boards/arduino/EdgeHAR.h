/* Everything a sketch needs. */
#ifndef EDGEHAR_H
#define EDGEHAR_H

#include "har.h"
#include "har_board.h"
#include "har_device.h"
#include "har_identity.h"
#include "har_model.h"
#include "har_rate.h"
#include "har_sensor.h"
#include "har_slide.h"

#endif
