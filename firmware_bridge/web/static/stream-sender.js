/**
 * Sends samples over a WebSocket, connects again when it breaks, and counts what it could not keep meanwhile.
 *
 * A message is what the app Sensor Logger sends: {"payload": [{"name": "totalacceleration", "time": NANOSECONDS, "values":
 * {"x", "y", "z"}}, ...]}, in m/s²; where the turning rate is sent too, "gx", "gy", "gz" in degrees/s follow. Times go on over a reload of the page: they count from 1970.
 *
 * @module stream-sender
 */

const CHANNELS = ["x", "y", "z", "gx", "gy", "gz"];
const EVERY_MS = 50;
const MOST_AT_ONCE = 200;
const MOST_WAITING = 2000;
const MOST_UNSENT_BYTES = 1 << 20;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const TAKEN = 4001;
const REPLACED = 4002;

/** Keeps one connection alive while it is wanted. */
export class StreamSender {
  #url;
  #onChange;
  #socket = null;
  #waiting = [];
  #timer = 0;
  #retry = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #lastNs = 0n;
  /** Samples that were handed to the connection, and that were dropped because it was away for too long. */
  sent = 0;
  lost = 0;
  /** Whether the laptop listens now, and why it does not, in one sentence. */
  connected = false;
  problem = "";

  /**
   * @param {string} url Of the WebSocket, with its token.
   * @param {() => void} onChange Called when `connected` or `problem` changes.
   */
  constructor(url, onChange = () => {}) {
    this.#url = url;
    this.#onChange = onChange;
  }

  /** @returns {number} Samples that wait for the connection. */
  get waiting() {
    return this.#waiting.length;
  }

  /** Connect, and send from now on. */
  start() {
    this.stop();
    this.#timer = setInterval(() => this.#flush(), EVERY_MS);
    this.#connect();
  }

  /** Send what waits, and leave. */
  stop() {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.#flush();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#waiting = [];
    this.#say(false, "");
  }

  /** Take a sample in m/s², or with a turning rate in degrees/s, taken at so many milliseconds since 1970. */
  take(sample, timeMs) {
    const wholeMs = Math.floor(timeMs);
    const timeNs = BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((timeMs - wholeMs) * 1e6));
    if (timeNs <= this.#lastNs) return;
    this.#lastNs = timeNs;
    const values = Object.fromEntries(sample.map((value, channel) => [CHANNELS[channel], value]));
    this.#waiting.push(`{"name":"totalacceleration","time":${timeNs},"values":${JSON.stringify(values)}}`);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.lost++;
    }
  }

  #flush() {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    while (this.#waiting.length && socket.bufferedAmount < MOST_UNSENT_BYTES) {
      const now = this.#waiting.splice(0, MOST_AT_ONCE);
      socket.send(`{"payload":[${now.join()}]}`);
      this.sent += now.length;
    }
  }

  #connect() {
    const socket = (this.#socket = new WebSocket(this.#url));
    socket.addEventListener("open", () => {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#say(true, "");
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      if (code === TAKEN) return this.#say(false, "Another phone sends already: stop it there, then start here.");
      if (code === REPLACED) return this.#say(false, "This phone sends from another tab: close one of them.");
      this.#say(false, "The laptop does not answer. This page tries again by itself; if the program was started anew, scan its code.");
      this.#retry = setTimeout(() => this.#connect(), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
    });
  }

  #say(connected, problem) {
    this.connected = connected;
    this.problem = problem;
    this.#onChange();
  }
}
