/**
 * Samples in g out of text lines: their unit, their time, and an account of what is missing. What cannot be told is one
 * question. The rules of edgehar.firmware_bridge.text.source, and the same answers as `har live` gives.
 *
 * A unit that no name gives is told by gravity from the first second. Where lines carry no time, samples are taken to be
 * even: their period is the slope of their arrival, never the distance of two arrivals.
 *
 * @module lines
 */

import { DeviceClock } from "./device-clock.js";
import { COUNTER, guessUnit, perG, SECONDS_PER_TICK } from "./evidence.js";
import { describeLayout } from "./learning.js";
import { LineParser, readable } from "./line-parser.js";

/** What a time column's unit is told by, as of a sensor at the rate that most models want. */
const EXPECTED_RATE_HZ = 100;
const UNIT_SAMPLES = [100, 200, 400];
const PLAUSIBLE_G = 100;
const RESTART_PAUSE_S = 0.4;
const REMEMBERED_READS = 400;
const SILENCE_S = 1;
const STRANGE_LINES = 20;
const SHOWN_LETTERS = 160;
const RANGES = {
  "raw:1000": "milli-g",
  "raw:256": "10 bits at any range in full resolution, as an ADXL345",
  "raw:1024": "12 bits at ±2 g",
  "raw:2048": "16 bits at ±16 g",
  "raw:4096": "16 bits at ±8 g",
  "raw:8192": "16 bits at ±4 g",
  "raw:16384": "16 bits at ±2 g",
};

/** Turns text into samples in g, each with a time. */
export class LineSource {
  #parser = new LineParser({ rateHz: EXPECTED_RATE_HZ });
  #layout = null;
  #unit = null;
  #question = null;
  #waiting = [];
  #waits = 0;
  #arrivals = new ArrivalClock();
  #clock = null;
  #timeS = 0;
  #heardS = null;
  #samples = 0;
  #restarts = false;
  #others = 0;
  #garbled = 0;
  #other = "";
  #unread = "";
  #changes = 0;
  /** Samples that lines or times say are missing. */
  lost = 0;

  /**
   * Take the answer to the question which numbers of a line are x, y and z.
   *
   * @param {number[]} axes From 0.
   */
  choose(axes) {
    this.#parser = new LineParser({ rateHz: EXPECTED_RATE_HZ, columns: axes });
    this.#question = null;
    this.#waiting = [];
  }

  /** @returns {string} How lines are read, in the words of `har live`; empty while that is not known. */
  get layout() {
    return this.#layout ? describeLayout(this.#layout) : "";
  }

  /** @returns {string | null} The unit, as `har live` names it; null while it is not known. */
  get unit() {
    return this.#unit;
  }

  /** @returns {string} What lines mean, for people; empty while that is not known. */
  get speaks() {
    if (!this.#unit) return "";
    const range = RANGES[this.#unit] ? ` (${RANGES[this.#unit]})` : "";
    const shown = readable(this.layout);
    const layout = shown.length > SHOWN_LETTERS ? `${shown.slice(0, SHOWN_LETTERS)}…` : shown;
    const changed = this.#changes ? "; the lines have changed their form" : "";
    return `text lines, ${layout}, in ${this.#unit}${range}${this.lost ? `; ${this.lost} samples lost` : ""}${changed}`;
  }

  /** @returns {boolean} Whether lines of numbers come and it is not yet clear what they mean. */
  get isLearning() {
    return this.#parser.held > this.#garbled || this.#waiting.length > 0;
  }

  /** @returns {"columns" | "sensor" | "unit" | ""} What cannot be told. */
  get doubt() {
    return this.#question?.option ?? "";
  }

  /** @returns {number} How many numbers a line holds, where somebody must say which of them are x, y and z; else 0. */
  get asks() {
    return this.doubt === "columns" && this.#question.width >= 3 ? this.#question.width : 0;
  }

  /** @returns {string} Why there are no samples although there are lines, in one sentence; empty for no reason. */
  get problem() {
    if (this.#question) {
      const next = {
        columns: this.asks ? "Say which of its numbers are x, y and z." : "Print x,y,z.",
        sensor: "Print one of them.",
        unit: "Print g or m/s², then choose the sensor again.",
      };
      return `The acceleration cannot be found: ${readable(this.#question.text)}. ${next[this.doubt]}`;
    }
    if (this.#unread) {
      return `Lines like “${readable(this.#unread)}” are no samples as before and get no label: choose the sensor again.`;
    }
    if (this.#samples || this.isLearning || this.#others <= Math.max(STRANGE_LINES, this.#garbled)) return "";
    return `Lines hold no numbers, such as “${readable(this.#other)}”: expected x,y,z.`;
  }

  /** @returns {boolean} Whether lines of numbers come that are no samples as those before were. */
  get isUnread() {
    return this.#unread !== "";
  }

  /** @returns {boolean} Whether the text is UTF-16, in which every second byte is zero. */
  get isWide() {
    return this.#parser.isWide;
  }

  /**
   * Take the bytes of one read.
   *
   * @param {Uint8Array} data
   * @param {number} nowS When it arrived.
   * @returns {{sample: number[], timeS: number, restart: boolean}[]}
   */
  feed(data, nowS) {
    let ready = [];
    const found = [];
    const flush = () => {
      found.push(...this.#timed(ready));
      ready = [];
    };
    for (const event of this.#parser.feed(data, nowS)) {
      if (["sample", "missing", "damaged"].includes(event.kind)) {
        this.#garbled += Number(event.kind === "damaged");
        if (event.kind === "sample") this.#unread = "";
        if (this.#layout && !this.#question) (this.#unit ? ready : this.#waiting).push(event);
        if (this.#findUnit()) ready = this.#waiting.splice(0);
      } else {
        flush();
        this.#note(event);
      }
    }
    flush();
    this.#heardS = nowS;
    return found;
  }

  /** Act on everything in the stream that is not a sample. */
  #note({ kind, atS, text, layout, changes, question }) {
    if (kind === "note") {
      this.#others++;
      this.#other = text.trim().slice(0, 40);
    } else if (kind === "header") {
      const hasPaused = this.#heardS !== null && atS - this.#heardS >= RESTART_PAUSE_S;
      if (this.#clock) this.#clock.announceRestart();
      else this.#restarts ||= hasPaused && this.#samples > 0;
    } else if (kind === "question") {
      this.#doubtful(question);
    } else if (kind === "unread") {
      this.#unread = text.trim().slice(0, 40);
    } else {
      this.#adopt(layout, changes);
    }
  }

  #doubtful(question) {
    this.#question ??= question;
    this.#waiting = [];
  }

  /** Read the columns as they were found. */
  #adopt(layout, changes) {
    this.#question = null;
    this.#changes += Number(changes);
    for (const { kind } of changes ? this.#waiting : []) {
      // What waits to be understood is lost with its form; without a device's clock a line stands for one sample.
      if (kind === "sample" || (!this.#clock && this.#samples)) this.lost++;
    }
    this.#layout = layout;
    this.#unit = layout.unit;
    this.#waiting = [];
    this.#waits = 0;
    this.#restarts ||= this.#samples > 0;
    const { time } = layout;
    const tickS = time?.unit === COUNTER ? 1 / EXPECTED_RATE_HZ : SECONDS_PER_TICK[time?.unit];
    const period = time?.period || 1 / (tickS * EXPECTED_RATE_HZ);
    this.#clock = tickS && !time.repeats ? new DeviceClock({ tickS, period, originS: this.#timeS }) : null;
  }

  /** Look for gravity in the samples that wait; return whether it has told the unit. */
  #findUnit() {
    if (this.#unit || this.#question) return false;
    const samples = this.#waiting.filter(({ kind }) => kind === "sample").map(({ values }) => values);
    if (samples.length < UNIT_SAMPLES[this.#waits]) return false;
    this.#waits++;
    const { unit, reason } = guessUnit(samples);
    this.#unit = unit;
    if (!unit && this.#waits === UNIT_SAMPLES.length) this.#doubtful({ option: "unit", text: reason });
    return unit !== null;
  }

  /** Give samples their times; those that came together are timed together. */
  #timed(events) {
    const reads = [];
    for (const event of events) {
      if (reads.at(-1)?.[0].atS === event.atS) reads.at(-1).push(event);
      else reads.push([event]);
    }
    return reads.flatMap((read) => {
      const steps = read.map((event) => this.#step(event)).filter(Boolean);
      const isTimed = this.#clock && this.#layout.time.unit !== COUNTER;
      const times = isTimed ? [] : this.#arrivals.times(steps.map(({ periods }) => periods), read[0].atS);
      return steps.flatMap(({ sample, timeS, restart }, at) => {
        this.#timeS = times[at] ?? timeS;
        return sample ? [{ sample, timeS: this.#timeS, restart }] : [];
      });
    });
  }

  /** Return the sample of an event, and how many periods after the one before it comes; null where it counts as nothing. */
  #step({ kind, values, tick }) {
    const sample = kind === "sample" ? values.map((value) => value / perG(this.#unit)) : null;
    if (!sample || sample.some((value) => Math.abs(value) > PLAUSIBLE_G)) {
      // Without a device's clock a line stands for one sample.
      if (this.#clock || !this.#samples) return null;
      this.lost++;
      return { sample: null, periods: 1 };
    }
    const found = this.#clock ? this.#clock.advance(tick) : { lost: 0, restart: false };
    if (!found) return null;
    this.#samples++;
    this.lost += found.lost;
    const restart = found.restart || this.#restarts;
    this.#restarts = false;
    return { sample, periods: 1 + found.lost, timeS: found.timeS, restart };
  }
}

/** Gives even times to samples that arrive in bunches: the line through when each read ended. */
class ArrivalClock {
  #reads = [];
  #count = 0;
  #timeS = null;

  /** Return the times of samples that arrived together, each so many periods after the one before. */
  times(periods, nowS) {
    const last = this.#reads.at(-1);
    if (last && nowS - last.nowS > SILENCE_S) {
      // A silence is a hole: what comes after it has a time that is later by as much.
      this.#timeS = nowS;
      this.#reads = [];
    }
    this.#count += periods.reduce((sum, each) => sum + each, 0);
    this.#reads.push({ nowS, count: this.#count });
    if (this.#reads.length > REMEMBERED_READS) this.#reads.shift();
    this.#timeS ??= nowS;
    const periodS = this.#slope() ?? 1 / EXPECTED_RATE_HZ;
    return periods.map((each) => (this.#timeS += each * periodS));
  }

  /** Seconds a sample, by least squares over the reads that are remembered; null where they tell nothing. */
  #slope() {
    const reads = this.#reads;
    if (reads.length < 3) return null;
    const mean = (of) => reads.reduce((sum, read) => sum + of(read), 0) / reads.length;
    const [count, time] = [mean((read) => read.count), mean((read) => read.nowS)];
    const spread = mean((read) => (read.count - count) ** 2);
    return spread ? mean((read) => (read.count - count) * (read.nowS - time)) / spread : null;
  }
}
