/**
 * A recording, played: its trace, what its takes were called, and what the model says.
 *
 * @module playback
 */

import { clockTime, element, percent, write } from "./elements.js";
import { spells } from "./timeline.js";

const TICK_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 100;

/** The player. Times are in seconds since the first sample. */
export class Playback {
  #found = null;
  #position = 0;
  #hole = 1;
  #timer = null;
  #parts;
  #pieces = { said: [], truth: [] };

  /**
   * @param {{trace: object, timeline: object, truth: object, showLabel: Function, showNoLabel: Function,
   *   onClose: () => void}} parts Where it is shown.
   */
  constructor(parts) {
    this.#parts = parts;
    element("play").addEventListener("click", () => (this.#timer ? this.#pause() : this.#run()));
    element("position").addEventListener("input", () => this.#go(Number(element("position").value)));
    element("close-player").addEventListener("click", () => this.close());
  }

  /** Whether a recording is shown. */
  get isOpen() {
    return this.#found !== null;
  }

  /** Show a recording, and play it. */
  open(found) {
    this.#found = found;
    this.#hole = 3 * medianStep(found.labels);
    this.#pieces.said = spells(found.labels, this.#hole);
    this.#pieces.truth = found.takes.map((take) => ({ label: take.activity, from: take.from_s, to: take.to_s }));
    [this.#parts.timeline, this.#parts.truth].forEach((strip) => strip.know(found.class_labels));
    for (const id of ["player", "truth-row", "said-name", "agreement"]) element(id).hidden = false;
    write("now-title", `${found.capture}, with ${found.model}`);
    write("agreement", this.#agreement());
    write("timeline-span", "");
    element("position").max = found.seconds;
    this.#go(0);
    element("play").focus();
    this.#run();
  }

  /** Go back to what is live. */
  close() {
    this.#pause();
    this.#found = null;
    for (const id of ["player", "truth-row", "said-name", "agreement"]) element(id).hidden = true;
    write("now-title", "Right now");
    this.#parts.onClose();
  }

  #run() {
    if (this.#position >= this.#found.seconds) this.#position = 0;
    let before = performance.now();
    write("play", "Pause");
    this.#timer = window.setInterval(() => {
      const now = performance.now();
      const next = this.#position + (Number(element("speed").value) * (now - before)) / 1000;
      before = now;
      if (next >= this.#found.seconds) this.#pause();
      this.#go(Math.min(next, this.#found.seconds));
    }, TICK_MS);
  }

  #pause() {
    window.clearInterval(this.#timer);
    this.#timer = null;
    write("play", "Play");
  }

  #go(position) {
    this.#position = position;
    const found = this.#found;
    const { trace, timeline, truth, showLabel, showNoLabel } = this.#parts;
    element("position").value = position;
    element("position").setAttribute("aria-valuetext", clockTime(position));
    write("clock", `${clockTime(position)} of ${clockTime(found.seconds)}`);
    trace.replace(found, position);
    trace.draw();
    timeline.show(this.#pieces.said, 0, found.seconds, position);
    truth.show(this.#pieces.truth, 0, found.seconds, position);
    const label = found.labels.findLast(({ t_s: t }) => t <= position);
    if (!label) showNoLabel("Filling the first window", "The model needs its first window of samples.");
    else if (position - label.t_s > this.#hole) showNoLabel("No label here", "Nothing was recorded, or a window fills.");
    else showLabel(label);
  }

  /** Say how often the model agrees with the takes, over labels whose window lies in one. */
  #agreement() {
    const { labels, takes, window_s: windowS = 0 } = this.#found;
    let [inside, right] = [0, 0];
    for (const { label, t_s: t } of labels) {
      const take = takes.find(({ from_s: from, to_s: to }) => t - windowS >= from && t <= to);
      if (!take) continue;
      inside += 1;
      right += Number(take.activity === label);
    }
    if (!inside) return "No label lies within a take.";
    return `The model agrees with ${percent(right / inside)} of ${inside} labels whose window lies in one take.`;
  }
}

function medianStep(labels) {
  const steps = labels.slice(1).map(({ t_s: t }, index) => t - labels[index].t_s).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 1;
}
