/**
 * What numbers without names are: axes, a time, a quaternion, a magnitude; and the unit in which gravity is as long as it
 * must be. The rules of edgehar.firmware_bridge.text.evidence, ticks and selection, and edgehar.models.sensing.gravity.
 *
 * @module evidence
 */

import { STANDARD_GRAVITY } from "./gravity.js";
import { readName, roleOf } from "./names.js";

const GRAVITY_G = [0.75, 1.33];
const MOST_MOTION = 3;
const CALM = 0.8;
const CALM_FACTOR = 1.18;
const STEADIER = 3;
const USUAL = 0.9;
const OFFSET_SHARE = 0.2;
const NORM_TOLERANCE = 0.02;
const UNLIKE = 12;
const STEADY_LENGTH = 0.004;
const RATE_FACTOR = 4;
const ABSURD_FACTOR = 30;
const FEWEST_STEPS = 5;
const FEWEST_ROWS = 10;
const MOST_SENSORS = 8;
const FEW_SENSORS = 4;
const CHANGES = 0.2;
const JUMPS = 1.5;
const ID_WORD = /^(?:id|sensor|node|imu|addr|address|dev|device|ch|channel|mac|tag|board)$/;
/** Seconds in a tick of a time, by its unit. */
export const SECONDS_PER_TICK = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };
/** The unit of a column that counts samples. */
export const COUNTER = "samples";

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const largest = (values) => values.reduce((most, value) => Math.max(most, value), -Infinity);
const smallest = (values) => values.reduce((least, value) => Math.min(least, value), Infinity);
const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
const deviation = (values) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};
const steps = (values) => values.slice(1).map((value, at) => value - values[at]);
const column = (rows, at) => rows.map((row) => row[at]);
const pick = (rows, columns) => rows.map((row) => columns.map((at) => row[at]));
const lengths = (rows) => rows.map((row) => Math.hypot(...row));

/**
 * @param {number[][]} rows x, y and z in an unknown unit.
 * @returns {{unit: string | null, reason: string}} The one unit in which the mean vector is as long as gravity.
 */
export function guessUnit(rows) {
  if (!rows.length) return { unit: null, reason: "no line had all of its numbers" };
  const length = Math.hypot(...[0, 1, 2].map((axis) => mean(column(rows, axis))));
  const values = rows.flat();
  const sizes = values.map(Math.abs);
  const most = largest(sizes);
  const hasOneSign = values.every((value) => value > 0) || values.every((value) => value < 0);
  if (hasOneSign && smallest(sizes) > OFFSET_SHARE * most && most > 64) {
    return { unit: null, reason: "all three axes keep far from zero, as raw readings of a converter do" };
  }
  const motion = motionOf(rows);
  if (motion > MOST_MOTION * length) {
    const moves = `the numbers vary by ${motion.toPrecision(3)} around a mean vector that is ${length.toPrecision(3)} long`;
    return { unit: null, reason: `${moves}: gravity is not in them` };
  }
  const isWhole = values.every(Number.isInteger);
  const unit = unitOfLength(length, isWhole);
  const told = `the mean vector is ${length.toPrecision(4)} long, which is`;
  if (!unit) return { unit, reason: `${told} gravity in no unit` };
  const isFar = Math.abs(Math.log(length / perG(unit))) > Math.log(CALM_FACTOR);
  if (isWhole && motion < CALM * length && isFar) {
    return { unit: null, reason: `${told} too far from the next usual scale, ${unit}` };
  }
  return { unit, reason: "" };
}

/** Return how far numbers are from their mean vector. */
function motionOf(rows) {
  return Math.hypot(...[0, 1, 2].map((axis) => deviation(column(rows, axis))));
}

/** Return the one unit in which gravity may be so long, or null; `isWhole` where the numbers may be counts. */
export function unitOfLength(length, isWhole) {
  const units = ["g", "m/s2", "raw:1000"];
  if (isWhole) units.push(...Array.from({ length: 10 }, (_, index) => `raw:${2 ** (6 + index)}`));
  const isFitting = (ratio) => ratio >= GRAVITY_G[0] && ratio <= GRAVITY_G[1];
  const fitting = units.filter((unit) => isFitting(length / perG(unit)));
  // Between milli-g and 12 bits at ±2 g gravity cannot tell, nor does it matter.
  if (fitting.includes("raw:1000")) return "raw:1000";
  const distance = (unit) => Math.abs(Math.log(length / perG(unit)));
  return fitting.length ? fitting.reduce((best, each) => (distance(each) < distance(best) ? each : best)) : null;
}

/** Return how much of a unit makes 1 g. */
export function perG(unit) {
  return { g: 1, "m/s2": STANDARD_GRAVITY }[unit] ?? Number(unit.slice("raw:".length));
}

/**
 * Return which unnamed columns are acceleration.
 *
 * @param {number[][]} rows A second or more, all of it finite.
 * @param {number[]} times Columns that are known to be times or counters.
 * @returns {{axes: number[] | null, reason: string, fitting: number[][]}} The columns, or why none; and all of which
 *   gravity speaks for.
 */
export function findAxes(rows, times) {
  let left = rows[0].map((_, at) => at).filter((at) => !times.includes(at));
  const without = (found) => (left = left.filter((at) => !found.includes(at)));
  without(quaternions(rows, left));
  const steady = left.filter((at) => column(rows, at).every((value) => value === rows[0][at]));
  const removed = left.length - steady.length >= 3 ? steady : [];
  without(removed);
  without(magnitudes(rows, left));
  const hasGravity = (triple) => triple[2] - triple[0] === 2 && guessUnit(pick(rows, triple)).unit !== null;
  // A sensor that lies still may send the same numbers again and again, and then it is not what varies beside it.
  const resting = removed.slice(2).map((_, at) => removed.slice(at, at + 3)).filter(hasGravity);
  if (left.length === 3 && left[2] - left[0] === 2 && !resting.length) return { axes: left, reason: "", fitting: [] };
  const isWhole = rows[0].map((_, at) => column(rows, at).every(Number.isInteger));
  const fittingOf = (columns) => bestWritten(rows, triplesOf(rows, columns, isWhole).filter(hasGravity), isWhole);
  let fitting = fittingOf(left);
  // Or one of its axes does not change.
  if (!fitting.length && !resting.length && removed.length) fitting = fittingOf([...left, ...removed].toSorted((a, b) => a - b));
  if (fitting.length === 1 && !resting.length) return { axes: fitting[0], reason: "", fitting };
  const possible = [...resting, ...fitting];
  const shown = possible.map((triple) => triple.map((at) => at + 1).join(",")).join(" or ");
  const reason = possible.length
    ? `the columns ${shown} could ${possible.length > 1 ? "all " : ""}be acceleration`
    : "no three columns in a row have a mean as long as gravity in any unit";
  return { axes: null, reason, fitting: resting.length ? [] : fitting };
}

/** Leave out whole numbers where fractions fit: they fit one count or another easily, unless they are steadier. */
function bestWritten(rows, fitting, isWhole) {
  const fractions = fitting.filter((triple) => !triple.some((at) => isWhole[at]));
  if (!fractions.length) return fitting;
  const unsteadiness = (triple) => {
    const three = pick(rows, triple);
    return motionOf(three) / Math.max(Math.hypot(...[0, 1, 2].map((axis) => mean(column(three, axis)))), 1e-30);
  };
  const limit = largest(fractions.map(unsteadiness)) / STEADIER;
  return fitting.filter((triple) => fractions.includes(triple) || unsteadiness(triple) < limit);
}

/**
 * Return the sensors of three columns that can stand in a row: side by side, with one or two columns between them. Ways to
 * cut a row in which some sensor's axes are unlike each other are left out, unless all are like that.
 */
function triplesOf(rows, columns, isWhole) {
  const runs = [];
  for (const at of columns) {
    if (runs.at(-1)?.at(-1) === at - 1) runs.at(-1).push(at);
    else runs.push([at]);
  }
  const isSound = (triple) => areAlike(pick(rows, triple), triple.map((at) => isWhole[at]));
  const found = runs.flatMap((run) => {
    const ways = cuts(run.length).map((starts) => starts.map((start) => run.slice(start, start + 3)));
    const sound = ways.filter((way) => way.every(isSound));
    return sound.length ? sound.flat() : ways.flat().filter(isSound);
  });
  const once = new Map(found.map((triple) => [triple[0], triple]));
  return [...once.keys()].toSorted((a, b) => a - b).map((start) => once.get(start));
}

/** Return where the sensors of three columns begin, for every place of the one or two columns that are left. */
function cuts(length) {
  const sensors = Array.from({ length: Math.floor(length / 3) }, (_, at) => at);
  const places = [...sensors, sensors.length];
  const gaps = [[[]], places.map((at) => [at]), places.flatMap((at) => places.filter((to) => to >= at).map((to) => [at, to]))];
  return gaps[length % 3].map((each) => sensors.map((at) => 3 * at + each.filter((gap) => gap <= at).length));
}

/** Tell whether three columns can be of one sensor: written alike, and about equally noisy if they change at all. */
function areAlike(rows, isWhole) {
  if (rows.length < 2) return isWhole.every((each) => each === isWhole[0]);
  const spread = [0, 1, 2].map((axis) => mean(steps(column(rows, axis)).map(Math.abs)));
  const changing = [0, 1, 2].filter((axis) => spread[axis] > 0);
  if (changing.length < 2 || changing.some((axis) => isWhole[axis] !== isWhole[changing[0]])) return false;
  return largest(spread) <= UNLIKE * smallest(changing.map((axis) => spread[axis]));
}

/** Return the columns of quaternions: four in a row whose squares add up to one, although no three of them do. */
function quaternions(rows, columns) {
  const found = [];
  const error = (all) => largest(all.map((length) => Math.abs(length - 1)));
  for (const start of columns) {
    const four = [start, start + 1, start + 2, start + 3];
    if (!four.every((at) => columns.includes(at)) || found.includes(start)) continue;
    const all = lengths(pick(rows, four));
    if (!(error(all) <= NORM_TOLERANCE)) continue;
    const inner = Math.min(error(lengths(pick(rows, four.slice(0, 3)))), error(lengths(pick(rows, four.slice(1)))));
    const wobble = deviation(all);
    const turns = wobble < STEADY_LENGTH && largest(four.map((at) => deviation(column(rows, at)))) > 4 * wobble;
    if (inner > NORM_TOLERANCE || columns.length >= 7 || turns) found.push(...four);
  }
  return found;
}

/** Return the columns that are the length of the three before or behind them. */
function magnitudes(rows, columns) {
  return columns.filter((at) =>
    [at - 3, at + 1].some((start) => {
      const three = [start, start + 1, start + 2];
      if (!three.every((each) => columns.includes(each))) return false;
      const all = lengths(pick(rows, three));
      const tolerance = NORM_TOLERANCE * Math.max(largest(all), 1e-9);
      return largest(all.map((length, row) => Math.abs(length - rows[row][at]))) <= tolerance && deviation(all) > 0;
    }),
  );
}

/** Return the first column named after a time, or else after a counter; -1 where there is none. */
export function timeByName(names) {
  const roles = names.map((name) => (name ? roleOf(name).role : ""));
  return roles.includes("time") ? roles.indexOf("time") : roles.indexOf("index");
}

/** Tell whether unnamed numbers run forward in near-equal steps that make sense at about the expected rate. */
export function behavesLikeTime(ticks, rateHz) {
  const all = steps(ticks);
  const forward = all.filter((step) => step > 0);
  if (all.length < FEWEST_STEPS || smallest(all) < 0 || forward.length < all.length / 2) return false;
  const typical = median(forward);
  if (forward.some((step) => step < typical / 2)) return false;
  const unit = unitByRate(ticks, rateHz);
  return unit === COUNTER || (unit !== null && mismatch(typical, unit, rateHz) <= RATE_FACTOR);
}

/**
 * Return what is known of a time column from its first ticks and its name.
 *
 * @returns {{place: object, unit: string | null, period: number | null, repeats: boolean}} As `TimeColumn` in Python.
 */
export function timeColumn(place, ticks, name, rateHz) {
  const all = steps(ticks);
  const forward = all.filter((step) => step > 0);
  const period = forward.length ? median(forward) : null;
  const said = name ? roleOf(name) : {};
  const isCredible = said.unit && period && mismatch(period, said.unit, rateHz) < ABSURD_FACTOR;
  const unit = said.role === "index" ? COUNTER : isCredible ? said.unit : unitByRate(ticks, rateHz);
  return { place, unit, period, repeats: all.includes(0) };
}

/** Return by what factor, at least 1, a step in a unit is off the expected rate. */
function mismatch(step, unit, rateHz) {
  const ratio = Math.max(step * SECONDS_PER_TICK[unit] * rateHz, 1e-30);
  return Math.max(ratio, 1 / ratio);
}

/** Return the unit in which steps are nearest to the expected rate; steps of exactly one count samples. */
function unitByRate(ticks, rateHz) {
  const forward = steps(ticks).filter((step) => step > 0);
  if (!forward.length) return null;
  const typical = median(forward);
  const off = (unit) => mismatch(typical, unit, rateHz);
  const best = Object.keys(SECONDS_PER_TICK).reduce((least, each) => (off(each) < off(least) ? each : least));
  return typical === 1 && ticks.every(Number.isInteger) && off(best) > RATE_FACTOR ? COUNTER : best;
}

/**
 * Return the slot whose number tells several sensors apart, and its values; null if there is none.
 *
 * @param {number[][]} rows
 * @param {{axes: number[], names: string[], times?: number[]}} known Slots that are something else, and names.
 */
export function sensorNumber(rows, { axes, names, times = [] }) {
  if (rows.length < FEWEST_ROWS) return null;
  for (let slot = 0; slot < rows[0].length; slot++) {
    const numbers = column(rows, slot);
    if (axes.includes(slot) || times.includes(slot) || !numbers.every(Number.isInteger)) continue;
    const values = [...new Set(numbers)].toSorted((a, b) => a - b);
    if (values.length < 2 || values.length > MOST_SENSORS) continue;
    if (mean(steps(numbers).map((step) => Number(step !== 0))) < CHANGES) continue;
    const name = names[slot] ?? "";
    const isCalled = (name.toLowerCase().match(/[a-z]+/g) ?? []).some((word) => ID_WORD.test(word));
    if (name && !isCalled && readName(name).sensor) continue;
    const others = axes.length ? axes : rows[0].map((_, at) => at).filter((at) => at !== slot && !times.includes(at));
    const isInTurn = values.length <= FEW_SENSORS && !axes.length && goesRound(numbers, values);
    if (isCalled || isInTurn || jumps(pick(rows, others), numbers)) return { slot, values };
  }
  return null;
}

/** Tell whether nearly every value is followed by the same other one, as sensors that take turns are. */
function goesRound(numbers, values) {
  const usual = values.map((value) => {
    const next = numbers.slice(1).filter((_, at) => numbers[at] === value);
    return largest([0, ...values.map((other) => next.filter((each) => each === other).length)]);
  });
  return usual.reduce((sum, each) => sum + each, 0) >= USUAL * (numbers.length - 1);
}

/** Tell whether words or numbers that stand beside samples change so often, and the samples with them, as two sensors do. */
export function takesTurns(samples, marks) {
  return mean(marks.slice(1).map((mark, at) => Number(mark !== marks[at]))) >= CHANGES && jumps(samples, marks);
}

/** Tell whether a row differs more from the next than from the next with the same number. */
function jumps(samples, numbers) {
  if (!samples[0].length) return false;
  const distances = (rows) => rows.slice(1).map((row, at) => row.reduce((sum, value, axis) => sum + Math.abs(value - rows[at][axis]), 0));
  const between = distances(samples).filter((_, at) => numbers[at] !== numbers[at + 1]);
  const within = [...new Set(numbers)].flatMap((value) => distances(samples.filter((_, at) => numbers[at] === value)));
  return between.length > 0 && within.length > 0 && median(between) > JUMPS * median(within);
}
