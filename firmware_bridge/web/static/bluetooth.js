/**
 * A sensor without a cable, through Web Bluetooth: what it notifies of over the Nordic UART service, lines or frames.
 *
 * @module bluetooth
 */

import { STOP } from "./frames.js";
import { ByteReader } from "./serial.js";

const SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e";
const TO_DEVICE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e";
const FROM_DEVICE = "6e400003-b5a3-f393-e0a9-e50e24dcca9e";
/** What every device takes at once. */
const WRITE_BYTES = 20;
const SILENCE_MS = 2000;
const PAUSES_MS = [500, 2000, 5000];

/** One device that a person has picked. */
export class BluetoothSensor {
  #device = null;
  #bytes = null;
  #outlet = null;
  #watch = 0;
  #lastMs = 0;
  #writing = Promise.resolve();
  #stopping = false;
  #handlers;
  #lost = () => this.#reconnect();
  #notified = ({ target }) => this.#take(target.value);

  /** @param {object} handlers As `SerialSensor` takes them. */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @returns {ByteReader | null} What the bytes mean. */
  get bytes() {
    return this.#bytes;
  }

  /**
   * Let the person pick a device, and listen to it. Must be called by a tap.
   *
   * @returns {Promise<boolean>} Whether listening has begun; if not, a problem was said, or nobody picked one.
   */
  async start() {
    try {
      this.#device = await navigator.bluetooth.requestDevice({ acceptAllDevices: true, optionalServices: [SERVICE] });
    } catch {
      return false;
    }
    this.#stopping = false;
    this.#bytes = new ByteReader((bytes) => this.#write(bytes));
    try {
      await this.#connect();
    } catch (error) {
      this.#device = null;
      const what = error.name === "NotFoundError" ? "it has no Nordic UART service" : error.message;
      this.#handlers.onProblem(`The device cannot be read (${what}): choose another one, or come nearer.`);
      return false;
    }
    this.#device.addEventListener("gattserverdisconnected", this.#lost);
    this.#watch = window.setInterval(() => this.#check(), 500);
    return true;
  }

  /** Listen no more, and let the device go. */
  async stop() {
    if (!this.#device) return;
    this.#stopping = true;
    if (this.#bytes.frames.started) this.#write(STOP);
    await this.#writing;
    this.#end();
  }

  async #connect() {
    const server = await this.#device.gatt.connect();
    const service = await server.getPrimaryService(SERVICE);
    this.#outlet = await service.getCharacteristic(TO_DEVICE);
    const inlet = await service.getCharacteristic(FROM_DEVICE);
    inlet.addEventListener("characteristicvaluechanged", this.#notified);
    await inlet.startNotifications();
    this.#lastMs = performance.now();
  }

  /** Going out of reach is normal: try again, a few times. */
  async #reconnect() {
    for (const pauseMs of PAUSES_MS) {
      if (this.#stopping) return;
      this.#handlers.onProblem("The device is out of reach: trying again.");
      await new Promise((done) => window.setTimeout(done, pauseMs));
      try {
        if (!this.#stopping) await this.#connect();
        return;
      } catch {
        // The next try comes later.
      }
    }
    this.#end();
    this.#handlers.onEnd("The sensor is gone: come nearer, and choose it again.");
  }

  #end() {
    window.clearInterval(this.#watch);
    const device = this.#device;
    this.#device = null;
    device?.removeEventListener("gattserverdisconnected", this.#lost);
    device?.gatt.disconnect();
  }

  #take(view) {
    const nowMs = performance.now();
    this.#lastMs = nowMs;
    const data = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (const { sample, timeS, restart } of this.#bytes.feed(data, nowMs / 1000)) {
      this.#handlers.onSample(sample, timeS, restart);
    }
  }

  #check() {
    if (!this.#device?.gatt.connected) return;
    const isSilent = performance.now() - this.#lastMs > SILENCE_MS;
    this.#handlers.onProblem(isSilent ? "Nothing comes from the device: is its sensor on?" : this.#bytes.problem);
  }

  /** Write in parts, one after the other; a device that is gone is heard of elsewhere. */
  #write(bytes) {
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
        await this.#outlet.writeValueWithResponse(bytes.slice(at, at + WRITE_BYTES));
      }
    });
    this.#writing = this.#writing.catch(() => {});
    return this.#writing;
  }
}
