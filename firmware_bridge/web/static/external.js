/**
 * Sensors outside the device that shows the page: on a cable, and over Bluetooth. `har phone` packs these modules.
 *
 * @module external
 */

export { BluetoothSensor } from "./bluetooth.js";
export { SerialSensor } from "./serial.js";
