/**
 * Labelled recordings: takes of one activity each, kept in the browser until they are deleted, written as CSV.
 *
 * @module recorder
 */

import { openDatabase, settled, TAKES, whyNotKept, written } from "./storage.js";

const BETWEEN_TAKES_MS = 1000;
const HOLE_MS = 200;

/** One stretch of one activity. */
export class Take {
  /** @param {{label: string, subject: string}} what */
  constructor({ label, subject }) {
    this.label = label;
    this.subject = subject;
    /** When its first sample was taken, in milliseconds since 1970. */
    this.startedMs = 0;
    this.times = [];
    this.samples = [];
  }

  /** Take a sample in m/s², and degrees/s where there is a turning rate, that was taken at `timeMs` of the page's clock. */
  add(sample, timeMs) {
    if (this.times.length && timeMs <= this.times.at(-1)) return;
    if (!this.times.length) this.startedMs = performance.timeOrigin + timeMs;
    this.times.push(timeMs);
    this.samples.push(sample);
  }

  /** @returns {number} */
  get seconds() {
    return this.times.length ? (this.times.at(-1) - this.times[0]) / 1000 : 0;
  }

  /** @returns {number} Places where samples are missing. */
  get holes() {
    return this.times.filter((timeMs, index) => index > 0 && timeMs - this.times[index - 1] > HOLE_MS).length;
  }
}

/** The takes of this browser, kept over reloads where it lets us. */
export class TakeStore {
  #database = null;
  /** @type {(Take & {key?: number})[]} */
  takes = [];

  /**
   * Open the store, and read what was recorded before.
   *
   * @returns {Promise<string>} Why takes cannot be kept, in one sentence; empty if they can.
   */
  async open() {
    try {
      this.#database = await openDatabase();
      const store = this.#database.transaction(TAKES).objectStore(TAKES);
      const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
      this.takes = values.map((value, index) => Object.assign(new Take(value), value, { key: keys[index] }));
      return "";
    } catch {
      return "This browser keeps nothing for this page: download a recording before you close it.";
    }
  }

  /** Keep a take; return why it is in this page's memory alone, in one sentence, or nothing. */
  async add(take) {
    this.takes.push(take);
    if (!this.#database) return "";
    try {
      take.key = await written(this.#database, TAKES, (store) => store.add({ ...take }));
      return "";
    } catch (error) {
      delete take.key;
      return `The last take is in this page only (${whyNotKept(error)}): download it before you close the page.`;
    }
  }

  /** Delete one take. */
  async remove(take) {
    this.takes = this.takes.filter((each) => each !== take);
    if (!this.#database || take.key === undefined) return;
    await written(this.#database, TAKES, (store) => store.delete(take.key));
  }
}

/**
 * Return takes as a CSV that `har data import` reads: milliseconds, m/s² with gravity, degrees/s where the turning rate
 * was recorded too, the activity.
 *
 * @param {Take[]} takes
 * @returns {string}
 */
export function toCsv(takes) {
  const whole = takes.filter((take) => take.times.length).toSorted((a, b) => a.startedMs - b.startedMs);
  const named = whole.some((take) => take.subject);
  const width = Math.max(3, ...whole.map(({ samples }) => samples[0].length));
  const turning = width > 3 ? ",gx (deg/s),gy (deg/s),gz (deg/s)" : "";
  const lines = [`time_ms,x,y,z${turning},label${named ? ",subject" : ""}`];
  let offsetMs = 0;
  for (const [index, take] of whole.entries()) {
    // A clock that was set back between two takes must not let them overlap.
    const sinceFirst = take.startedMs - whole[0].startedMs;
    const startMs = index ? Math.max(sinceFirst, offsetMs + BETWEEN_TAKES_MS) : 0;
    const end = `,${quoted(take.label)}${named ? `,${quoted(take.subject || "unknown")}` : ""}`;
    const empty = ",".repeat(width - take.samples[0].length);
    take.samples.forEach((sample, at) => {
      const timeMs = startMs + take.times[at] - take.times[0];
      lines.push(`${round(timeMs, 1)},${sample.map((value) => round(value, 4)).join(",")}${empty}${end}`);
    });
    offsetMs = startMs + take.times.at(-1) - take.times[0];
  }
  return `${lines.join("\r\n")}\r\n`;
}

function round(value, digits) {
  return Number(value.toFixed(digits)) + 0;
}

function quoted(text) {
  return /[",\r\n;\t|]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}
