/**
 * The page: hands messages of the program to the parts that show them, and draws a few times a second.
 *
 * @module dashboard
 */

import { Connection } from "./connection.js";
import { element, notice, write } from "./elements.js";
import { Models } from "./models.js";
import { Playback } from "./playback.js";
import { Recording } from "./recording.js";
import { showClasses, showFact, showLabel, showNoLabel, showSource, showStatus } from "./stream.js";
import { spells, Timeline } from "./timeline.js";
import { CHANNELS, Trace } from "./trace.js";

const TIMELINE_S = 120;
const LABELS_KEPT = 1200;
const REMARKS_SHOWN = 4;
const PICTURE_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 200;

let live = null;
let labels = [];
let status = null;
let remarks = [];
let ended = "";
let newest = 0;
let changed = false;
let trace = null;

const ask = (request) => connection.ask(request);
const timeline = new Timeline("timeline");
const truth = new Timeline("truth");
const recording = new Recording(ask);
const models = new Models(ask);
let playback = null;

const handlers = {
  hello(message) {
    live = message.live;
    ended = message.ended;
    newest = live?.n ?? 0;
    trace ??= new Trace(live?.trace_s ?? 12);
    element("rest").hidden = false;
    element("record-section").hidden = !live;
    element("facts-section")?.toggleAttribute("hidden", !live);
    playback ??= new Playback({
      trace: { replace: (...all) => trace.replace(...all), draw: () => trace.draw() },
      timeline,
      truth,
      showLabel,
      showNoLabel,
      onClose: () => restart(),
    });
    write("keep", `Keep the last ${message.screen_s} s`);
    models.offer(message.models);
    models.run(message.running);
    handlers.captures(message);
    recording.show(message.recorder);
    models.showFitting(message.fitting);
    notice("connection", "");
    notice("dropped", "");
    const own = live?.labels ?? message.models[0].labels;
    handlers.model({ labels: own });
    if (live) {
      labels = live.stream.labels;
      remarks = live.remarks;
      status = live.status;
      trace.add(live.stream);
    } else {
      showSource("No sensor: recordings only");
    }
    restart();
  },
  stream(message) {
    if (!isNew(message)) return;
    labels = [...labels, ...message.labels].slice(-LABELS_KEPT);
    liveTrace(message);
    if (message.labels.length && !playback.isOpen) {
      showLabel(labels.at(-1));
      recording.follow(labels.at(-1).raw_label);
    }
    changed = true;
  },
  status(message) {
    if (!isNew(message)) return;
    status = message;
    changed = true;
  },
  remark(message) {
    if (!isNew(message)) return;
    remarks = [...remarks, message].slice(-REMARKS_SHOWN);
    showRemarks();
  },
  model(message) {
    if (message.n && !isNew(message)) return;
    if (!playback?.isOpen) showClasses(message.labels);
    timeline.know(message.labels);
    truth.know(message.labels);
    recording.offer(message.labels);
    if (live) live.labels = message.labels;
  },
  running: (message) => models.run(message),
  models: (message) => models.offer(message.models),
  recorder: (message) => recording.show(message),
  captures: ({ captures }) => models.offerCaptures(captures, (capture) => ask({ do: "play", capture })),
  fitting: (message) => models.showFitting(message),
  playback(message) {
    notice("problem", "");
    showClasses(message.class_labels);
    playback.open(message);
  },
  problem({ text }) {
    notice("problem", text, { warn: true });
    notice("change", "", { place: "model-notices" });
  },
  dropped({ messages }) {
    notice("dropped", `This page is too slow: ${messages} updates are not shown. No label is late for it.`, { warn: true });
  },
  ended({ text }) {
    ended = text;
    changed = true;
  },
};

const connection = new Connection({
  onMessage: (message) => handlers[message.kind]?.(message),
  onLost(reason) {
    showSource("Not connected", { isGone: true });
    showNoLabel("Not connected", "The page connects again by itself.");
    const why = reason || "the program that served this page has ended, or does not answer";
    notice("connection", `Not connected: ${why}.`, { warn: true });
  },
});

/** Points of the live session, kept while a recording is shown. */
let behind = nothing();

function nothing() {
  return { t: [], x: [], y: [], z: [] };
}

function liveTrace(message) {
  if (!playback.isOpen) return trace.add(message);
  for (const name of CHANNELS.filter((each) => message[each])) {
    behind[name] = [...(behind[name] ?? []), ...message[name]].slice(-2000);
  }
  return undefined;
}

function isNew({ n }) {
  const isLater = n > newest;
  newest = Math.max(n, newest);
  return isLater;
}

/** Show the live session as it stands. */
function restart() {
  showClasses(live?.labels ?? []);
  trace.replace(live ? behind : nothing());
  if (live && !behind.t.length) trace.add(live.stream);
  if (live) live.stream = nothing();
  behind = nothing();
  showRemarks();
  if (labels.length) showLabel(labels.at(-1));
  changed = true;
  draw();
}

function showRemarks() {
  for (let index = 0; index < REMARKS_SHOWN; index++) {
    const remark = remarks.at(index - REMARKS_SHOWN);
    notice(`remark ${index}`, remark?.text ?? "", { warn: remark?.warning ?? false, place: "remarks" });
  }
}

function draw() {
  if (!changed || document.hidden || !trace) return;
  changed = false;
  showState();
  if (playback.isOpen) return;
  trace.draw();
  if (!live) return;
  const end = labels.at(-1)?.t_s ?? 0;
  const from = Math.max(labels[0]?.t_s ?? 0, end - TIMELINE_S);
  timeline.show(spells(labels, holeOf(labels)), from, Math.max(end, from + 10));
  write("timeline-span", labels.length ? `The last ${Math.round(Math.max(10, end - from))} seconds` : "");
}

/** Labels that are further apart than this have a hole between them. */
function holeOf(all) {
  const steps = all.slice(-20).slice(1).map(({ t_s: t }, index, rest) => t - (rest[index - 1]?.t_s ?? t));
  return 3 * Math.max(0.5, ...steps.slice(1).filter((step) => step > 0 && step < 5));
}

function showState() {
  if (!live) {
    if (!playback.isOpen) showNoLabel("Choose a recording", "Press Play beside one below.");
    return;
  }
  if (status) showStatus(status, { edgesMs: live.latency_edges_ms });
  else showFact("True rate", "not measured yet");
  const rate = status?.rate_hz ? ` · ${status.rate_hz.toFixed(1)} Hz` : "";
  notice("ended", ended ? `The session has ended: ${ended}` : "", { warn: true });
  if (ended) showSource(`${live.port} · ended`, { isGone: true });
  else if (!status?.samples) showSource(`${live.port} · waiting`, { isGone: false });
  else if (status.silent) showSource(`${live.port} · silent`, { isGone: true });
  else showSource(`${live.port}${rate}`, { isOn: true });
  if (playback.isOpen) return;
  const was = labels.length ? `It was ${labels.at(-1).label}.` : "";
  if (ended) showNoLabel("The session has ended", was);
  else if (!status?.samples) showNoLabel("Waiting for the sensor", `Nothing has come from ${live.port} yet.`);
  else if (status.silent) showNoLabel("Silence", `Nothing comes from ${live.port}. ${was}`);
  else if (status.refilling || !labels.length) {
    showNoLabel("Filling the window", `${Math.round(100 * status.filled)} % of it is there. ${was}`);
  }
}

window.setInterval(draw, PICTURE_MS);
document.addEventListener("visibilitychange", () => (changed = true));
