/**
 * The label, its probabilities, and whether the stream can be trusted.
 *
 * @module stream
 */

import { element, made, percent, write } from "./elements.js";

const QUALITIES = {
  bridged: "a short gap was bridged",
  unit_doubtful: "the unit is doubtful",
  rate_doubtful: "the rate is doubtful",
};
let rows = new Map();
const facts = new Map();

/** Make a row of probabilities for every class. */
export function showClasses(labels) {
  rows = new Map(
    labels.map((label) => {
      const [row, bar, fill, share] = [made("li"), made("span", "", "bar"), made("i"), made("span", "–", "share")];
      bar.append(fill);
      row.append(made("span", label, "name"), share, bar);
      return [label, { row, share, fill }];
    }),
  );
  element("probabilities").replaceChildren(...[...rows.values()].map(({ row }) => row));
}

/** Show a label with what is known of it. */
export function showLabel(found) {
  element("label").classList.remove("idle");
  write("label", found.label);
  const alone = found.raw_label !== found.label ? ` · this window alone: ${found.raw_label}` : "";
  write("confidence", `${percent(found.probability)} sure · at ${found.t_s.toFixed(1)} s${alone}`);
  showQuality(found.quality);
  const best = Math.max(...Object.values(found.probabilities));
  for (const [label, { row, share, fill }] of rows) {
    const value = found.probabilities[label] ?? 0;
    row.classList.toggle("best", value === best);
    share.textContent = percent(value);
    fill.style.transform = `scaleX(${value})`;
  }
}

/** Show that there is no label now, and why. */
export function showNoLabel(label, why) {
  element("label").classList.add("idle");
  write("label", label);
  write("confidence", why);
  element("quality").hidden = true;
}

function showQuality(quality) {
  const isOk = quality === "ok";
  element("quality").hidden = false;
  element("quality").classList.toggle("warn", !isOk);
  write("quality", isOk ? "Can be trusted" : quality.split(",").map((each) => QUALITIES[each] ?? each).join(", "));
}

/** Show the port and its true rate. */
export function showSource(text, { isOn = false, isGone = false } = {}) {
  element("source").classList.toggle("on", isOn);
  element("source").classList.toggle("gone", isGone);
  write("source", text);
}

/** Show a fact of the stream. */
export function showFact(name, text) {
  if (!facts.has(name)) {
    const value = made("dd");
    element("facts").append(made("dt", name), value);
    facts.set(name, value);
  }
  if (facts.get(name).textContent !== text) facts.get(name).textContent = text;
}

const count = (number) => number.toLocaleString("en");

/** Show how the session stands. */
export function showStatus(status, { edgesMs }) {
  const rate = status.rate_hz ? `${status.rate_hz.toFixed(2)} Hz` : "not measured yet";
  const doubt = status.rate_uncertainty_hz ? ` ± ${status.rate_uncertainty_hz.toFixed(2)}` : "";
  showFact("True rate", `${rate}${doubt}`);
  showFact("Samples", count(status.samples));
  const holes = status.holes_of_unknown_size ? `, and ${count(status.holes_of_unknown_size)} holes of unknown size` : "";
  const bridged = status.bridged_samples ? ` (${count(status.bridged_samples)} bridged)` : "";
  showFact("Lost", `${count(status.lost_samples)}${bridged}${holes}`);
  if (status.damaged_lines) showFact("Damaged lines", count(status.damaged_lines));
  if (status.repeated_samples) showFact("Came twice", count(status.repeated_samples));
  showFact("Labels", labelsInWords(status.quality_counts));
  const { p50, p95, p99 } = status.latency_ms;
  const times = p50 === null ? "–" : `${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)}`;
  showFact("Label in", times);
  if (status.drawn_every > 1) showFact("Drawn", `every ${status.drawn_every}th sample`);
  showLatencies(status.latency_counts, edgesMs);
}

function labelsInWords(counts) {
  const total = Object.values(counts).reduce((sum, value) => sum + value, 0);
  const bad = Object.entries(counts).filter(([quality]) => quality !== "ok");
  const parts = bad.map(([quality, value]) => `${count(value)} ${quality.replaceAll("_", " ").replaceAll(",", ", ")}`);
  return total ? `${count(total)}; ${parts.length ? parts.join(", ") : "all to be trusted"}` : "none yet";
}

function showLatencies(counts, edgesMs) {
  const first = counts.findIndex((value) => value > 0);
  if (first < 0) return element("latency").replaceChildren(made("li", "No label yet"));
  const last = counts.findLastIndex((value) => value > 0);
  const most = Math.max(...counts);
  const lines = counts.slice(first, last + 1).map((value, index) => {
    const [line, bar, fill] = [made("li"), made("span", "", "bar"), made("i")];
    fill.style.transform = `scaleX(${value / most})`;
    bar.append(fill);
    line.append(made("span", binName(first + index, edgesMs)), bar, made("span", count(value), "count"));
    return line;
  });
  return element("latency").replaceChildren(...lines);
}

function binName(index, edgesMs) {
  if (index === 0) return `under ${edgesMs[0]} ms`;
  if (index === edgesMs.length) return `over ${edgesMs.at(-1)} ms`;
  return `${edgesMs[index - 1]} to ${edgesMs[index]} ms`;
}
