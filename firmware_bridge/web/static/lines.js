/**
 * Text lines as a sketch prints them: three numbers, columns that a header names, or names before the numbers. What is
 * none of these is one question: which of the numbers are x, y and z.
 *
 * The unit is the one a header gives, or the only one in which gravity is as long as it must be. Where lines carry no
 * time, samples are taken to be even: their period is the slope of their arrival, never the distance of two arrivals.
 *
 * @module lines
 */

import { STANDARD_GRAVITY } from "./gravity.js";
import { readLabelled } from "./labelled-lines.js";

const AXES = "xyz";
const LONGEST_LINE = 1000;
const LEARNING_SAMPLES = 50;
const LEARNING_S = 2;
const REMEMBERED_READS = 400;
const SILENCE_S = 1;
const LEAST_OFFSET = 0.3;
const GRAVITY_G = [0.75, 1.33];
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;
const BARE = /^([xyz])$/i;
const NAME = /^(?:a|ac|acc|accel|acceleration)[ _.-]*([xyz])$/i;
const TIME = /^(?:t|time|timestamp|millis|micros)?[ _.-]*\(?(us|ms|s)?\)?$/i;
const TIME_UNITS = { us: 1e-6, ms: 1e-3, s: 1 };
const UNIT_BEHIND = /\s*[([].*$|[\s_]+(?:m-?g|g|m\/s\S*)$/i;
const UNITS = [
  [/m\/s|mps2|ms2|m s-2/i, STANDARD_GRAVITY],
  [/(?<![a-z])m-?g(?![a-z])/i, 1000],
  [/(?<![a-z])g(?![a-z])/i, 1],
];

/** Turns text into samples in g, each with a time. */
export class LineSource {
  #decoder = new TextDecoder();
  #rest = "";
  #columns = null;
  #perG = null;
  #learning = [];
  #learningFromS = null;
  #clock = new ArrivalClock();
  #lastTimeS = null;
  /** Lines that held a sample, and others. */
  understood = 0;
  strange = 0;
  /** Why there are no samples although there are lines, in one sentence; empty where there is no reason. */
  problem = "";
  /** How many numbers a line holds, where somebody must say which of them are x, y and z; else 0. */
  asks = 0;

  /**
   * Take the answer to the question which numbers of a line are x, y and z.
   *
   * @param {number[]} axes From 0.
   */
  choose(axes) {
    this.#columns = { axes, time: null };
    this.#perG = null;
    this.#learning = [];
    this.problem = "";
    this.asks = 0;
  }

  /** @returns {string | null} The unit that was found, for people. */
  get unit() {
    const known = { 1: "g", 1000: "milli-g", [STANDARD_GRAVITY]: "m/s²" };
    return this.#perG && (known[this.#perG] ?? `${this.#perG} counts per g`);
  }

  /**
   * Take the bytes of one read.
   *
   * @param {Uint8Array} data
   * @param {number} nowS When it arrived.
   * @returns {{sample: number[], timeS: number, restart: boolean}[]}
   */
  feed(data, nowS) {
    const lines = (this.#rest + this.#decoder.decode(data, { stream: true })).split(/\r\n|\n|\r/);
    this.#rest = lines.pop().slice(-LONGEST_LINE);
    const rows = lines.map((line) => this.#row(line.slice(0, LONGEST_LINE))).filter(Boolean);
    if (!rows.length) return [];
    const timed = this.#timed(rows, nowS);
    if (this.#perG) return timed.map((row) => this.#sample(row));
    return this.#learn(timed, nowS);
  }

  /** Return the numbers of a line: x, y, z and perhaps a time; null where it holds none. */
  #row(line) {
    const numbers = (line.match(NUMBER) ?? []).map(Number);
    const hasNames = /[a-z]/i.test(line.replaceAll(NUMBER, ""));
    if (hasNames && this.#header(line)) return null;
    const labelled = hasNames && !this.#columns ? readLabelled(line) : null;
    if (labelled) {
      this.understood++;
      this.problem = "";
      if (labelled.perG) this.#perG = labelled.perG;
      return labelled;
    }
    const columns = this.#columns ?? (numbers.length === 3 && !hasNames ? { axes: [0, 1, 2], time: null } : null);
    const values = columns && columns.axes.map((column) => numbers[column]);
    if (!values || !values.every(Number.isFinite)) {
      this.#strangeLine(line, numbers.length);
      return null;
    }
    this.understood++;
    return { values, time: columns.time === null ? null : numbers[columns.time] * columns.secondsPerTick };
  }

  /** Ask which numbers are meant, once it is clear that no rule tells. */
  #strangeLine(line, count) {
    this.strange += line.trim() !== "";
    if (this.strange <= 20 || this.understood) return;
    this.asks = count > 3 ? count : 0;
    this.problem = this.asks
      ? `Lines hold ${count} numbers without names; expected x,y,z. Say which of them are x, y and z.`
      : `Lines hold ${count} numbers; expected x,y,z. Press reset on the board if it prints a header.`;
  }

  /** Take a line as the names of columns; return whether it is one. */
  #header(line) {
    const names = line.split(/[,;\t]|\s{2,}/).map((name) => name.trim());
    const bare = names.map((name) => name.replace(UNIT_BEHIND, "").trim());
    const found = (pattern) => (axis) => bare.findIndex((name) => pattern.exec(name)?.[1].toLowerCase() === axis);
    // A sensor that is named wins over bare axes: of w,x,y,z,ax,ay,az the last three are acceleration.
    const axes = [NAME, BARE].map((pattern) => [...AXES].map(found(pattern))).find((each) => !each.includes(-1));
    if (!axes) return false;
    const time = names.findIndex((name) => name && TIME.test(name));
    const tick = time < 0 ? null : TIME.exec(names[time])[1]?.toLowerCase();
    this.#columns = { axes, time: tick ? time : null, secondsPerTick: TIME_UNITS[tick] };
    const unit = UNITS.find(([pattern]) => axes.every((column) => pattern.test(names[column].slice(1))));
    if (unit) this.#perG = unit[1];
    return true;
  }

  #timed(rows, nowS) {
    if (rows[0].time !== null) return rows.map(({ values, time }) => ({ values, timeS: time }));
    return this.#clock.times(rows.length, nowS).map((timeS, index) => ({ values: rows[index].values, timeS }));
  }

  #sample({ values, timeS }) {
    const restart = this.#lastTimeS !== null && timeS < this.#lastTimeS;
    this.#lastTimeS = timeS;
    return { sample: values.map((value) => value / this.#perG), timeS, restart };
  }

  /** Keep samples until gravity tells their unit. */
  #learn(rows, nowS) {
    this.#learningFromS ??= nowS;
    this.#learning.push(...rows);
    if (this.#learning.length < LEARNING_SAMPLES || nowS - this.#learningFromS < LEARNING_S) return [];
    const kept = this.#learning;
    const mean = [0, 1, 2].map((axis) => kept.reduce((sum, { values }) => sum + values[axis], 0) / kept.length);
    const length = Math.hypot(...mean);
    const isWhole = kept.every(({ values }) => values.every(Number.isInteger));
    // An analogue sensor rests in the middle of its converter: such numbers are all above zero, and far on average.
    const isAbove = kept.every(({ values }) => values.every((value) => value > 0));
    const hasOffset = isWhole && isAbove && mean.every((value) => value > LEAST_OFFSET * length);
    this.#perG = hasOffset ? null : unitOfLength(length, isWhole);
    this.#learning = [];
    this.#learningFromS = null;
    this.problem = this.#perG
      ? ""
      : hasOffset
        ? "The readings are all far above zero, as those of an analogue sensor: take its rest away, and print g or m/s²."
        : `The mean of the last readings is ${length.toPrecision(3)} long, which is gravity in no unit: print g or m/s².`;
    return this.#perG ? kept.map((row) => this.#sample(row)) : [];
  }
}

/** Return how much of the unit makes 1 g, if gravity of this length fits one unit; else null. */
export function unitOfLength(length, isWhole) {
  const candidates = [1, STANDARD_GRAVITY, 1000];
  if (isWhole) candidates.push(...Array.from({ length: 10 }, (_, index) => 2 ** (6 + index)));
  const fitting = candidates.filter((perG) => length / perG >= GRAVITY_G[0] && length / perG <= GRAVITY_G[1]);
  if (fitting.includes(1000)) return 1000;
  const distance = (perG) => Math.abs(Math.log(length / perG));
  return fitting.length ? fitting.reduce((best, each) => (distance(each) < distance(best) ? each : best)) : null;
}

/** Gives even times to samples that arrive in bunches: the line through when each read ended. */
class ArrivalClock {
  #reads = [];
  #count = 0;
  #timeS = null;

  times(count, nowS) {
    const last = this.#reads.at(-1);
    if (last && nowS - last.nowS > SILENCE_S) {
      // A silence is a hole: what comes after it has a time that is later by as much.
      this.#timeS = nowS;
      this.#reads = [];
    }
    this.#count += count;
    this.#reads.push({ nowS, count: this.#count });
    if (this.#reads.length > REMEMBERED_READS) this.#reads.shift();
    this.#timeS ??= nowS;
    const periodS = this.#slope() ?? 0.01;
    return Array.from({ length: count }, () => (this.#timeS += periodS));
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
