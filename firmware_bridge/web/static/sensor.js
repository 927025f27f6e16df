/**
 * The motion sensors of a phone: asks for permission, reads them, and says in one sentence why it cannot.
 *
 * Browsers offer it twice. `devicemotion` is everywhere; the Generic Sensor API stands in where no event comes.
 * Both need a secure context (HTTPS or localhost). Values are in m/s², gravity included, in the frame of the device:
 * x to the right, y up, z towards the person who looks at the screen. iOS gives all three with the opposite sign.
 *
 * `rotationRate` is in degrees/s about the same axes, right-handed on iOS too: alpha about x, beta about y, gamma about z,
 * as https://w3c.github.io/deviceorientation/#device-motion-model and all browsers have it. (In `deviceorientation`, and
 * in this event before 2017, alpha was about z.)
 *
 * @module sensor
 */

const WAIT_FOR_FIRST_MS = 2000;
const SILENCE_MS = 2000;

export const PROBLEMS = {
  insecure:
    "This page came over plain HTTP, where browsers give no accelerometer. Open it over HTTPS, or on localhost.",
  unsupported: "This browser has no way to read an accelerometer. Use Chrome, Edge, Firefox or Safari on a phone.",
  denied:
    "The browser may not read the accelerometer. Allow motion sensors for this page in its settings, then start again.",
  missing: "No readings have come. This device has no accelerometer, or motion sensors are switched off for this page.",
  noGyroscope:
    "The browser gives acceleration alone: the turning rate of a gyroscope is needed as well. Use a phone that has " +
    "one, or a model of acceleration alone.",
  empty: "The browser answers with empty readings: this device has no accelerometer.",
  silent: "Readings have stopped. Keep this page in front and the screen on; they go on by themselves.",
};

/** @returns {boolean} Whether this is an iPhone or an iPad, whose readings have the opposite sign. */
export function isApple() {
  const { userAgent, platform, maxTouchPoints } = navigator;
  return /iPhone|iPad|iPod/.test(userAgent) || (platform === "MacIntel" && maxTouchPoints > 1);
}

/** @returns {Promise<boolean>} Whether reading may begin without a tap. */
export async function isAllowed() {
  if (!window.isSecureContext || !("DeviceMotionEvent" in window)) return false;
  try {
    return (await navigator.permissions.query({ name: "accelerometer" })).state === "granted";
  } catch {
    return false;
  }
}

/** Reads the accelerometer, and the gyroscope if asked to, until it is stopped. */
export class MotionSensor {
  /** Whether samples shall hold the turning rate, in degrees/s, behind the acceleration. */
  turns = false;
  #onSample;
  #onProblem;
  #generic = null;
  #watch = 0;
  #startedMs = 0;
  #lastMs = null;
  #problem = "";
  #listener = (event) => this.#motion(event);

  /**
   * @param {object} handlers
   * @param {(sample: number[], timeMs: number) => void} handlers.onSample x, y, z in m/s², with
   *   `turns` gx, gy, gz in degrees/s, and when they were taken.
   * @param {(sentence: string) => void} handlers.onProblem What is wrong; empty once it is right again.
   */
  constructor({ onSample, onProblem }) {
    this.#onSample = onSample;
    this.#onProblem = onProblem;
  }

  /**
   * Begin to read. Must be called by a tap where the browser asks the person.
   *
   * @param {{ask: boolean}} options Whether to ask for permission.
   * @returns {Promise<boolean>} Whether reading has begun; if not, a problem was said.
   */
  async start({ ask }) {
    if (!window.isSecureContext) return this.#fail(PROBLEMS.insecure);
    if (!("DeviceMotionEvent" in window) && !("Accelerometer" in window)) return this.#fail(PROBLEMS.unsupported);
    if (ask && !(await mayRead())) return this.#fail(PROBLEMS.denied);
    this.stop();
    this.#startedMs = performance.now();
    window.addEventListener("devicemotion", this.#listener);
    this.#watch = window.setInterval(() => this.#check(), 500);
    return true;
  }

  /** Read no more. */
  stop() {
    window.removeEventListener("devicemotion", this.#listener);
    window.clearInterval(this.#watch);
    this.#generic?.stop();
    this.#generic = this.#lastMs = null;
    this.#say("");
  }

  #fail(sentence) {
    this.#say(sentence);
    return false;
  }

  #say(sentence) {
    if (sentence !== this.#problem) this.#onProblem((this.#problem = sentence));
  }

  #motion({ accelerationIncludingGravity: reading, rotationRate, timeStamp }) {
    if (this.#generic) return;
    const { x, y, z } = reading ?? {};
    const { alpha, beta, gamma } = rotationRate ?? {};
    this.#take([x, y, z], timeStamp, [alpha, beta, gamma]);
  }

  /** Null is a reading that is not there; it must never become a zero. */
  #take(sample, timeMs, rate = []) {
    const isThere = (values) => values.length === 3 && values.every(Number.isFinite);
    const problem = !isThere(sample) ? PROBLEMS.empty : this.turns && !isThere(rate) ? PROBLEMS.noGyroscope : "";
    if (problem) {
      if (this.#lastMs === null) this.#say(problem);
      return;
    }
    this.#lastMs = performance.now();
    this.#say("");
    this.#onSample(this.turns ? [...sample, ...rate] : sample, timeMs);
  }

  #check() {
    const now = performance.now();
    if (document.hidden) return;
    if (this.#lastMs !== null) {
      if (now - this.#lastMs > SILENCE_MS) this.#say(PROBLEMS.silent);
    } else if (now - this.#startedMs > WAIT_FOR_FIRST_MS && !this.#generic) {
      if (![PROBLEMS.empty, PROBLEMS.noGyroscope].includes(this.#problem)) this.#say(PROBLEMS.missing);
      this.#tryGenericSensor();
    }
  }

  #tryGenericSensor() {
    if (!("Accelerometer" in window)) return;
    try {
      const sensor = new window.Accelerometer({ frequency: 60 });
      sensor.addEventListener("reading", () => {
        this.#generic = sensor;
        this.#take([sensor.x, sensor.y, sensor.z], sensor.timestamp);
      });
      sensor.addEventListener("error", () => sensor.stop());
      sensor.start();
    } catch {
      // A permissions policy forbids it; that no readings come has been said.
    }
  }
}

async function mayRead() {
  const request = window.DeviceMotionEvent?.requestPermission;
  if (!request) return true;
  try {
    return (await request.call(window.DeviceMotionEvent)) === "granted";
  } catch {
    return false;
  }
}
