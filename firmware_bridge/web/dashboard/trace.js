/**
 * The pictures of x, y and z over time, by uPlot: of acceleration, and of the turning rate where there is one.
 *
 * @module trace
 */

import { element, write } from "./elements.js";

const { uPlot } = window;
const AXES = ["x", "y", "z"];
const ACCELERATION = { box: "trace", columns: ["x", "y", "z"], length: "gravity", unit: "g", digits: 2, least: 1.5 };
const TURNING = {
  ...{ box: "turning-trace", columns: ["gx", "gy", "gz"] },
  ...{ length: "turning-length", unit: "°/s", digits: 0, least: 60 },
};

/** All channels of a stream, in order, behind the time. */
export const CHANNELS = ["t", ...ACCELERATION.columns, ...TURNING.columns];

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The trace of a live session, or the part of a recording around a moment. */
export class Trace {
  #acceleration;
  #turning;

  /** @param {number} seconds How much is shown. */
  constructor(seconds) {
    this.#acceleration = new Picture(seconds, ACCELERATION);
    this.#turning = new Picture(seconds, TURNING);
  }

  /** Add points; those that are too old to be seen are forgotten. */
  add(points) {
    this.#acceleration.add(points);
    if (this.#turns(points)) this.#turning.add(points);
  }

  /** Show this and nothing else: its end, or what is around a moment, which is marked. */
  replace(points, moment = null) {
    this.#acceleration.replace(points, moment);
    this.#turning.replace(this.#turns(points) ? points : { t: [], gx: [], gy: [], gz: [] }, moment);
  }

  /** Draw what there is. */
  draw() {
    this.#acceleration.draw();
    if (!element("turning").hidden) this.#turning.draw();
  }

  /** Tell whether points hold a turning rate; its picture is there as long as they do. */
  #turns({ t, gx }) {
    if (t.length) element("turning").hidden = !gx;
    return Boolean(gx);
  }
}

/** The picture of one vector. */
class Picture {
  #plot = null;
  #seconds;
  #kind;
  #columns = [[], [], [], []];
  #end = null;
  #moment = null;

  constructor(seconds, kind) {
    this.#seconds = seconds;
    this.#kind = kind;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#make());
    new ResizeObserver(() => this.#resize()).observe(element(kind.box));
  }

  /** Add points; those that are too old to be seen are forgotten. */
  add(points) {
    this.#of(points).forEach((values, index) => this.#columns[index].push(...values));
    const times = this.#columns[0];
    const first = times.findIndex((time) => time >= times.at(-1) - this.#seconds);
    if (first > 0) this.#columns.forEach((column) => column.splice(0, first));
    this.#end = this.#moment = null;
  }

  /** Show this and nothing else: its end, or what is around a moment, which is marked. */
  replace(points, moment = null) {
    const { t } = points;
    this.#moment = moment;
    this.#end = moment === null ? null : Math.max(moment + this.#seconds / 2, this.#seconds);
    const from = moment === null ? 0 : firstAtLeast(t, this.#end - this.#seconds);
    const to = moment === null ? t.length : firstAtLeast(t, this.#end) + 1;
    this.#columns = this.#of(points).map((column) => column.slice(from, to));
  }

  /** Draw what there is. */
  draw() {
    if (!this.#plot) this.#make();
    this.#plot?.setData(this.#columns);
    this.#say();
  }

  /** The columns of points that are drawn here. */
  #of(points) {
    return ["t", ...this.#kind.columns].map((name) => points[name]);
  }

  get #range() {
    const end = this.#end ?? this.#columns[0].at(-1) ?? this.#seconds;
    return [end - this.#seconds, end];
  }

  #make() {
    const { box: id, least } = this.#kind;
    const box = element(id);
    this.#plot?.destroy();
    this.#plot = null;
    if (!box.clientWidth) return;
    const line = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    this.#plot = new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        cursor: { show: false },
        select: { show: false },
        scales: {
          x: { time: false, range: () => this.#range },
          y: { range: (plot, low, high) => spread(low ?? 0, high ?? 0, least) },
        },
        axes: [
          { ...line, size: 28, space: 60, values: (plot, splits) => splits.map((at) => `${round(at)} s`) },
          { ...line, size: 44, space: 24, values: (plot, splits) => splits.map(round) },
        ],
        hooks: { draw: [(plot) => this.#mark(plot)] },
        series: [
          {},
          ...AXES.map((axis) => ({ label: axis, stroke: color(`--${axis}`), width: 1.6, points: { show: false } })),
        ],
      },
      this.#columns,
      box,
    );
  }

  /** Draw a line at the moment that is shown. */
  #mark(plot) {
    if (this.#moment === null) return;
    const { left, top, width, height } = plot.bbox;
    const at = Math.round(plot.valToPos(this.#moment, "x", true));
    if (at < left || at > left + width) return;
    plot.ctx.fillStyle = color("--ink");
    plot.ctx.fillRect(at, top, 2, height);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = element(this.#kind.box);
    if (this.#plot && width) this.#plot.setSize({ width, height });
  }

  /** Write the newest values beside the picture, for those who do not see it. */
  #say() {
    const { columns, length, unit, digits } = this.#kind;
    const [times, ...axes] = this.#columns;
    let last = times.length - 1;
    if (this.#moment !== null) while (last > 0 && times[last] > this.#moment) last -= 1;
    const values = axes.map((column) => column[last]);
    const known = values.every((value) => typeof value === "number");
    columns.forEach((name, index) => write(name, known ? values[index].toFixed(digits) : "–"));
    write(length, known ? `${Math.hypot(...values).toFixed(digits)} ${unit}` : "–");
  }
}

/** Return the first place of a sorted column whose value is not less. */
function firstAtLeast(column, value) {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const round = (value) => String(Math.round(100 * value) / 100);

/** A range that holds all values and never less than rest needs, so that noise does not fill the picture. */
function spread(low, high, least) {
  const bound = Math.max(least, 1.08 * Math.max(-low, high));
  return [-bound, bound];
}
