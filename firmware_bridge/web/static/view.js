/**
 * What the page shows. Labels and names are other people's text: they go into the page as text alone.
 *
 * @module view
 */

import { STANDARD_GRAVITY, UNKNOWN } from "./har.js";

/** Return an element of the page by its id. */
export function element(id) {
  return document.getElementById(id);
}

/** Put a text into an element if it is not there: a live region that is written again is read out again. */
export function write(id, text) {
  const place = element(id);
  if (place.textContent !== text) place.textContent = text;
}

/** Return a new element with a text. */
export function made(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

const notices = new Map();

/**
 * Show a sentence until it is replaced.
 *
 * @param {string} about What it is about; another sentence about the same replaces it, an empty one takes it away.
 * @param {string} sentence
 * @param {{warn?: boolean, place?: string}} [options] Whether it warns, and the id of the list it stands in.
 */
export function notice(about, sentence, { warn = false, place = "notices" } = {}) {
  const shown = notices.get(about);
  if (!sentence) {
    shown?.remove();
    notices.delete(about);
    return;
  }
  const item = shown ?? element(place).appendChild(made("li"));
  item.classList.toggle("warn", warn);
  if (item.textContent !== sentence) item.textContent = sentence;
  notices.set(about, item);
}

const facts = new Map();

/** Show a fact, or replace it. */
export function showFact(name, value) {
  if (!facts.has(name)) {
    const list = element("facts");
    list.append(made("dt", name));
    facts.set(name, list.appendChild(made("dd")));
  }
  const place = facts.get(name);
  if (place.textContent !== value) place.textContent = value;
}

let running = false;

/** @returns {boolean} Whether the page listens to a sensor. */
export function isRunning() {
  return running;
}

/** Show whether the page listens. */
export function showRunning(isOn) {
  running = isOn;
  element("start").hidden = isOn;
  element("stop").hidden = !isOn;
}

/** Show that there is no model to run; recording still works. */
export function showUnusable() {
  element("rest").hidden = false;
  write("label", "No model");
  element("label").classList.add("idle");
  write("confidence", "The page cannot classify: see below.");
  element("limits").replaceChildren(made("li", "There is no model that this page could run."));
}

let rows = [];

/** Show what a model is, and what it cannot know. */
export function showModel(model) {
  const list = element("probabilities");
  list.replaceChildren();
  rows = model.labels.map((label) => {
    const [row, share, bar] = [made("li"), made("span", "–", "share"), made("span", "", "bar")];
    const fill = bar.appendChild(made("i"));
    row.append(made("span", label, "name"), share, bar);
    list.append(row);
    return { row, share, fill };
  });
  const bits = model.quantization === "int8" ? "integers alone" : "floats";
  element("rest").hidden = false;
  element("turning").hidden = model.channels === 3;
  showFact("Model", `${model.modelId}, ${bits}`);
  showFact("Bundle", model.verified ? "its hash is right" : "unchecked: over plain HTTP no hash can be computed");
  for (const name of ["Offline", "True rate", "Resolution", "Lost"]) if (!facts.has(name)) showFact(name, "–");
  showLimits(model);
}

function showLimits(model) {
  const { labels, decoder, mounting, rateHz, windowLength, metrics, quantization } = model;
  const seconds = (windowLength / rateHz).toLocaleString("en", { maximumFractionDigits: 1 });
  const rejects =
    decoder.rejectBelow > 0
      ? `below ${Math.round(100 * decoder.rejectBelow)} % it says “${UNKNOWN}”`
      : "anything else is given the nearest of these names";
  const measured = metrics.find((entry) => entry.quantization === quantization) ?? metrics[0];
  const limits = [
    `It knows ${labels.length} activities; ${rejects}.`,
    `It has learnt from a sensor worn at: ${mounting || "a place its bundle does not name"}. Elsewhere it errs more.`,
    `It looks at ${seconds} seconds at a time: what is shorter goes unseen.`,
    measured
      ? `On people it had not seen its macro-F1 was ${measured.macroF1.toFixed(2)} of 1 (${measured.protocol}), on ` +
        "recordings of its own kind of sensor, not of this one."
      : "Its bundle does not say how often it is right.",
  ];
  element("limits").replaceChildren(...limits.map((text) => made("li", text)));
}

/** Show the label of a window, or that there is none yet. */
export function showFound(found, model) {
  element("label").classList.toggle("idle", !found);
  rows.forEach(({ row, share, fill }, index) => {
    const value = found ? found.posterior[index] : 0;
    const isBest = Boolean(found) && value === Math.max(...found.posterior);
    row.classList.toggle("best", isBest);
    share.textContent = found ? `${Math.round(100 * value)} %` : "–";
    fill.style.transform = `scaleX(${value})`;
  });
  if (found) {
    write("label", found.label);
    const bridged = found.bridged ? `; ${found.bridged} of ${model.windowLength} samples bridged` : "";
    const seconds = (model.windowLength / model.rateHz).toLocaleString("en", { maximumFractionDigits: 1 });
    write("confidence", `${Math.round(100 * found.probability)} % sure, from the last ${seconds} s${bridged}`);
  }
}

/** Show the sensor: its values, its rate, and what is doubtful. */
export function showReadings(readings, { stream, model, waiting, found }) {
  const last = readings.samples.at(-1);
  const silent = notices.has("sensor");
  element("source").classList.toggle("on", running && !silent && Boolean(last));
  if (!running || !last || silent) {
    if (!running) return showIdle(Boolean(model));
    element("label").classList.add("idle");
    write("source", silent ? "No readings" : "Waiting for the first reading");
    return write("label", silent ? "No readings" : "Listening…");
  }
  element("label").classList.toggle("idle", !found);
  const turning = last.sample.slice(3);
  last.sample.slice(0, 3).forEach((value, axis) => write("xyz"[axis], (value / STANDARD_GRAVITY).toFixed(2)));
  turning.forEach((value, axis) => write(`g${"xyz"[axis]}`, value.toFixed(0)));
  write("turning-length", `${Math.hypot(...turning).toFixed(0)} °/s`);
  const { rateHz, gravityG, step } = readings;
  write("gravity", `${gravityG.toFixed(2)} g`);
  const measured = stream?.rateHz ?? rateHz;
  if (measured) write("source", `Listening at ${measured.toFixed(1)} Hz`);
  if (!found) showProgress("Listening", stream ? stream.filled : 0.1 * waiting);
  notice("gravity", readings.doubt, { warn: true });
  if (measured && model) showSensorFacts({ rateHz: measured, step, model, stream });
}

function showSensorFacts({ rateHz, step, model, stream }) {
  const same = Math.abs(rateHz / model.rateHz - 1) <= 0.005;
  showFact("True rate", `${rateHz.toFixed(1)} Hz${same ? "" : `, brought to the model's ${model.rateHz} Hz by time`}`);
  showFact("Resolution", step ? `steps of ${step} m/s², as browsers round it` : "finer than 0.05 m/s²");
  if (!stream) return;
  const { lost, breaks, outOfOrder } = stream;
  const late = outOfOrder ? `, ${outOfOrder} out of order` : "";
  const bridged = breaks ? `; ${breaks === 1 ? "a hole" : `${breaks} holes`} began a new window` : ", all bridged";
  showFact("Lost", lost ? `${lost} ${lost === 1 ? "sample" : "samples"}${bridged}${late}` : `none${late}`);
}

function showIdle(isReady) {
  write("source", "Not listening");
  if (!isReady) return;
  write("label", "Not started");
  write("confidence", "Everything is computed on this device; nothing is sent unless you send it.");
}

function showProgress(what, share) {
  write("label", "Listening…");
  write("confidence", `${what}: ${Math.round(100 * Math.min(1, share))} % of the first window is there`);
}
