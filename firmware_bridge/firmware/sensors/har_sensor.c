/* What all accelerometers have in common. */
#include "har_sensor.h"

#define HAR_END_OF_SETTINGS 0xFFu

/* Find the address at which a sensor answers with its own identity. */
static har_sensor_status har_identify(const har_sensor *sensor, const har_bus *bus, uint8_t *address)
{
    har_sensor_status found = HAR_SENSOR_ABSENT;
    uint8_t k;
    for (k = 0; k < 2; k++) {
        uint8_t id;
        if (bus->read(sensor->addresses[k], sensor->id_register, &id, 1) != 0)
            continue;
        if (id == sensor->id) {
            *address = sensor->addresses[k];
            return HAR_SENSOR_OK;
        }
        found = HAR_SENSOR_OTHER;
    }
    return found;
}

har_sensor_status har_sensor_start(const har_sensor *sensor, const har_bus *bus, uint8_t *address)
{
    const har_sensor_status found = har_identify(sensor, bus, address);
    const har_setting *setting = sensor->settings;
    if (found != HAR_SENSOR_OK)
        return found;
    for (; setting < sensor->settings + HAR_MOST_SETTINGS && setting->reg != HAR_END_OF_SETTINGS; setting++) {
        if (bus->write(*address, setting->reg, setting->value) != 0)
            return HAR_SENSOR_FAILED;
        if (setting->wait_ms)
            bus->wait_ms(setting->wait_ms);
    }
    return HAR_SENSOR_OK;
}

har_sensor_status har_sensor_poll(const har_sensor *sensor, const har_bus *bus, uint8_t address, uint8_t *ready)
{
    uint8_t status;
    if (bus->read(address, sensor->status_register, &status, 1) != 0)
        return HAR_SENSOR_FAILED;
    *ready = (status & sensor->status_ready) != 0;
    return HAR_SENSOR_OK;
}

har_sensor_status har_sensor_read(const har_sensor *sensor, const har_bus *bus, uint8_t address, int16_t counts[3])
{
    uint8_t bytes[6], axis;
    if (bus->read(address, sensor->data_register, bytes, sizeof bytes) != 0)
        return HAR_SENSOR_FAILED;
    for (axis = 0; axis < 3; axis++)
        counts[axis] = har_sensor_counts(bytes + 2 * axis, sensor->big_endian);
    return HAR_SENSOR_OK;
}

int16_t har_sensor_counts(const uint8_t bytes[2], uint8_t big_endian)
{
    const uint16_t both = (uint16_t)(bytes[big_endian ? 1 : 0] | (uint16_t)(bytes[big_endian ? 0 : 1] << 8));
    return (int16_t)(both < 0x8000u ? (int32_t)both : (int32_t)both - 0x10000);
}

int16_t har_sensor_to_model(int16_t counts, uint16_t multiplier, uint8_t shift)
{
    const uint32_t magnitude = counts < 0 ? 0u - (uint32_t)counts : (uint32_t)counts;
    const uint32_t scaled = (magnitude * multiplier + ((uint32_t)1 << (shift - 1))) >> shift;
    if (counts < 0)
        return (int16_t)(scaled > 32768u ? INT16_MIN : -(int32_t)scaled);
    return (int16_t)(scaled > 32767u ? INT16_MAX : (int32_t)scaled);
}
