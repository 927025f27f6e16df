/**
 * A sensor on a cable, through Web Serial: text lines or binary frames, whichever it speaks.
 *
 * Nothing is written to a device before a whole frame has come from it: a byte that a sketch takes for a command, or a
 * Python prompt for Ctrl-C, would do harm.
 *
 * @module serial
 */

import { FrameSource, STOP } from "./frames.js";
import { LineSource } from "./lines.js";

const SILENCE_MS = 2000;
const STRANGE_BYTES = 2000;
const WIDE_SHARE = 0.4;

/** Finds out what bytes mean: frames once a whole one has come, lines of text until then. */
export class ByteReader {
  #lines = new LineSource();
  #isBinary = false;
  #bytes = 0;
  #zeros = 0;
  #samples = 0;

  /** @param {(bytes: Uint8Array) => void} write Sends bytes to the device. */
  constructor(write) {
    /** The frames of the device; `frames` of it counts them. */
    this.frames = new FrameSource(write);
  }

  /** @returns {string} What the device speaks, for people. */
  get speaks() {
    if (this.frames.frames) return `binary frames${this.frames.damaged ? `, ${this.frames.damaged} damaged` : ""}`;
    return this.#lines.speaks;
  }

  /** @returns {string} Why there are no samples although bytes come, in one sentence; empty for no reason. */
  get problem() {
    if (this.frames.problem) return this.frames.problem;
    if (!this.#isBinary && (this.#lines.doubt || this.#lines.isUnread)) return this.#lines.problem;
    if (this.#samples || this.#bytes < STRANGE_BYTES || (!this.#isBinary && this.#lines.isLearning)) return "";
    if (this.frames.frames) return "Frames come, but the device does not say what its samples mean: press its reset.";
    return (
      this.#lines.problem || `${this.#bytes} bytes have come and not one sample: is the baud rate that of the sensor?`
    );
  }

  /** @returns {number} How many numbers a line holds, where a person must say which are x, y and z; else 0. */
  get asks() {
    return this.#isBinary ? 0 : this.#lines.asks;
  }

  /** Take the answer: which numbers of a line, from 0. */
  choose(axes) {
    this.#lines.choose(axes);
  }

  /** @returns {number} Samples that the device's own numbers, or lines without theirs, say are missing. */
  get lost() {
    return this.frames.lost + this.#lines.lost;
  }

  /** Take the bytes of one read; return samples in g as the two sources do. */
  feed(data, nowS) {
    this.#bytes += data.length;
    // Frames hold 00, which no text does but UTF-16, of which it is a half.
    this.#zeros += data.reduce((count, byte) => count + Number(!byte), 0);
    this.#isBinary ||= this.#zeros > 0 && this.#zeros < WIDE_SHARE * this.#bytes && !this.#lines.isWide;
    const framed = this.frames.feed(data, nowS);
    const found = this.#isBinary ? framed : this.#lines.feed(data, nowS);
    this.#samples += found.length;
    return found;
  }
}

/** One port that a person has picked. */
export class SerialSensor {
  #port = null;
  #reader = null;
  #bytes = null;
  #watch = 0;
  #lastMs = 0;
  #stopping = false;
  #ended = null;
  #handlers;

  /**
   * @param {object} handlers
   * @param {(sample: number[], timeS: number, restart: boolean) => void} handlers.onSample In g.
   * @param {(sentence: string) => void} handlers.onProblem What is wrong; empty once it is right again.
   * @param {(sentence: string) => void} handlers.onEnd Why the port is gone, where nobody has stopped it.
   */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @returns {ByteReader | null} What the bytes mean. */
  get bytes() {
    return this.#bytes;
  }

  /**
   * Let the person pick a port, and read it. Must be called by a tap.
   *
   * @param {number} baudRate
   * @returns {Promise<boolean>} Whether reading has begun; if not, a problem was said, or nobody picked a port.
   */
  async start(baudRate) {
    let port;
    try {
      port = await navigator.serial.requestPort();
    } catch {
      return false;
    }
    try {
      await port.open({ baudRate, bufferSize: 16_384 });
    } catch (error) {
      this.#handlers.onProblem(`The port cannot be opened (${error.message}): close what else uses it, then try again.`);
      return false;
    }
    this.#port = port;
    this.#stopping = false;
    this.#bytes = new ByteReader((bytes) => this.#write(bytes));
    this.#lastMs = performance.now();
    this.#watch = window.setInterval(() => this.#check(), 500);
    this.#ended = this.#run();
    return true;
  }

  /** Read no more, and give the port back. */
  async stop() {
    if (this.#port && !this.#stopping) {
      this.#stopping = true;
      if (this.#bytes.frames.started) await this.#write(STOP);
      await this.#reader?.cancel().catch(() => {});
    }
    await this.#ended;
  }

  async #run() {
    let why = "";
    try {
      // A line error ends a stream of the port; a new one goes on with what comes next.
      while (this.#port.readable && !this.#stopping) await this.#readStream();
    } catch (error) {
      why = `The sensor is gone (${error.message}): plug it in and choose it again.`;
    }
    if (!this.#stopping && !why) why = "The sensor is gone: plug it in and choose it again.";
    window.clearInterval(this.#watch);
    await this.#port.close().catch(() => {});
    this.#port = null;
    if (!this.#stopping) this.#handlers.onEnd(why);
  }

  async #readStream() {
    this.#reader = this.#port.readable.getReader();
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) break;
        this.#take(value);
      }
      // The port itself says so when it ends; without this a closed one would be asked again and again.
      if (!this.#stopping) throw new Error("it has closed");
    } catch (error) {
      if (!["BreakError", "FramingError", "ParityError", "BufferOverrunError"].includes(error.name)) throw error;
    } finally {
      this.#reader.releaseLock();
    }
  }

  #take(data) {
    const nowMs = performance.now();
    this.#lastMs = nowMs;
    for (const { sample, timeS, restart } of this.#bytes.feed(data, nowMs / 1000)) {
      this.#handlers.onSample(sample, timeS, restart);
    }
  }

  #check() {
    const isSilent = performance.now() - this.#lastMs > SILENCE_MS;
    this.#handlers.onProblem(isSilent ? "Nothing comes from the port: is the sensor on?" : this.#bytes.problem);
  }

  async #write(bytes) {
    if (!this.#port?.writable || this.#port.writable.locked) return;
    const writer = this.#port.writable.getWriter();
    try {
      await writer.write(bytes);
    } catch {
      // The reading side learns of a port that is gone, and says so.
    } finally {
      writer.releaseLock();
    }
  }
}
