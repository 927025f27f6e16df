// The page: what keys and buttons do, and when labels are saved.

import { at, edges, placed, withEdge, without } from "./intervals.js";
import { drawDetail, drawOverview, labelColour } from "./picture.js";
import * as server from "./server.js";

const byId = (id) => document.getElementById(id);
const KEYS = [..."1234567890qwrtyasdfghjkzcvb"];
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
const RETRY_MS = 3000;

const all = { recordings: [], labels: [], index: 0 };
let now = null; // The recording that is shown.
let speed = SPEEDS.indexOf(1), playing = null, saving = false, retry = null;
const work = new Map(); // recording -> {intervals, revision, undo, redo, unsaved}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const seconds = (samples) => `${(samples / now.rateHz).toFixed(2)} s`;
const colourOf = (label) => labelColour(Math.max(0, all.labels.indexOf(label)));

async function start() {
  try {
    const found = await server.recordings();
    all.recordings = found.recordings;
    all.labels = found.activities;
    byId("name").textContent = found.name;
    byId("file").textContent = found.file;
    document.title = `Label ${found.name}`;
    for (const [index, each] of found.recordings.entries()) {
      byId("recording").append(new Option(optionText(each), String(index)));
    }
    await open(0);
    if (!all.labels.length) byId("label").focus();
  } catch (error) {
    trouble(error.message);
    said("Nothing is loaded", "bad");
  }
}

const optionText = (each) => `${each.id}${each.labelled ? `, ${Math.round(each.labelled * 100)} % labelled` : ""}`;

async function open(index) {
  if (index < 0 || index >= all.recordings.length) return;
  pause();
  const each = all.recordings[index];
  const length = each.samples;
  try {
    if (!work.has(index) || !work.get(index).unsaved) {
      const { revision, intervals } = await server.labels(index);
      const before = work.get(index);
      const same = before && before.revision === revision;
      work.set(index, { intervals, revision, undo: same ? before.undo : [], redo: same ? before.redo : [], unsaved: false });
    }
    const columns = Math.max(1, Math.round(byId("overview").getBoundingClientRect().width));
    const whole = await server.signal(index, 0, length, columns);
    let low = -1, high = 1;
    for (const value of whole) { low = Math.min(low, value); high = Math.max(high, value); }
    all.index = index;
    const view = [0, Math.min(length, Math.max(2, Math.round(60 * each.rateHz)))];
    now = { ...each, length, whole, range: [low, high], view, head: 0, open: null, detail: null, part: view };
  } catch (error) {
    trouble(error.message);
    return;
  }
  byId("recording").value = String(index);
  byId("facts").textContent = `person ${each.subject}, ${Number(each.rateHz.toPrecision(6))} Hz, ${seconds(length)}`;
  addLabels(work.get(index).intervals.map(([, , label]) => label));
  for (const name of ["previous", "next"]) byId(name).disabled = index + (name === "next" ? 1 : -1) in all.recordings === false;
  said(work.get(index).unsaved ? "Not saved" : "All is saved", work.get(index).unsaved ? "bad" : "good");
  look();
}

function addLabels(names) {
  for (const name of names) if (name && !all.labels.includes(name)) all.labels.push(name);
  const place = byId("labels");
  place.replaceChildren(
    ...all.labels.map((name, index) => {
      const button = document.createElement("button"), text = document.createElement("span");
      button.type = "button";
      button.style.setProperty("--c", labelColour(index));
      text.textContent = name;
      if (KEYS[index]) {
        const key = document.createElement("kbd");
        key.textContent = KEYS[index];
        button.append(key);
      }
      button.append(text);
      button.addEventListener("click", () => { mark(name); byId("signal").focus(); });
      return button;
    }),
  );
}

// What is in view.

let wanted = 0;
async function look() {
  draw();
  const turn = ++wanted, { view } = now, index = all.index;
  const margin = Math.round((view[1] - view[0]) / 2);
  const part = [Math.max(0, view[0] - margin), Math.min(now.length, view[1] + margin)];
  const columns = Math.round(byId("detail").getBoundingClientRect().width * ((part[1] - part[0]) / (view[1] - view[0])));
  try {
    const detail = await server.signal(index, part[0], part[1], Math.max(1, columns));
    if (turn !== wanted || index !== all.index) return;
    Object.assign(now, { detail, part });
    draw();
  } catch (error) {
    trouble(error.message);
  }
}

function draw() {
  const { intervals } = work.get(all.index);
  drawOverview(byId("overview"), { ...now, signal: now.whole, intervals, colourOf });
  drawDetail(byId("detail"), { ...now, signal: now.detail, intervals, colourOf });
  const found = at(intervals, now.head), signal = byId("signal");
  byId("time").textContent = seconds(now.head);
  const begun = now.open ? `${now.open.label} since ${seconds(now.open.from)}; Enter ends it` : "";
  const there = found ? `${found[2]}, ${seconds(found[0])} to ${seconds(found[1])}` : "no label here";
  if (byId("under").textContent !== (begun || there)) byId("under").textContent = begun || there;
  signal.setAttribute("aria-valuemax", String(now.length));
  signal.setAttribute("aria-valuenow", String(now.head));
  signal.setAttribute("aria-valuetext", seconds(now.head));
  [...byId("labels").children].forEach((button, index) =>
    button.setAttribute("aria-pressed", String(now.open?.label === all.labels[index])));
  const own = work.get(all.index);
  byId("undo").disabled = !own.undo.length;
  byId("redo").disabled = !own.redo.length;
  byId("remove").disabled = !found;
  byId("play").textContent = playing ? `Pause (×${SPEEDS[speed]})` : `Play (×${SPEEDS[speed]})`;
}

function moveTo(sample) {
  now.head = clamp(Math.round(sample), 0, now.length);
  const width = now.view[1] - now.view[0];
  if (now.head < now.view[0] || now.head > now.view[1]) {
    const from = clamp(now.head - Math.round(width / 4), 0, Math.max(0, now.length - width));
    now.view = [from, Math.min(now.length, from + width)];
    look();
  } else draw();
}

function zoom(factor) {
  const width = clamp(Math.round((now.view[1] - now.view[0]) * factor), Math.min(now.length, 10), now.length);
  const share = (now.head - now.view[0]) / (now.view[1] - now.view[0]);
  const from = clamp(Math.round(now.head - share * width), 0, now.length - width);
  now.view = [from, from + width];
  look();
}

function play() {
  if (playing) return pause();
  if (now.head >= now.length) now.head = 0;
  let last = performance.now(), exact = now.head;
  const step = (time) => {
    exact += ((time - last) / 1000) * now.rateHz * SPEEDS[speed];
    last = time;
    moveTo(exact);
    if (exact >= now.length) pause();
    else if (playing) playing = requestAnimationFrame(step);
  };
  playing = requestAnimationFrame(step);
  draw();
}

function pause() {
  if (playing) cancelAnimationFrame(playing);
  playing = null;
  if (now) draw();
}

// Marking.

function mark(label) {
  const begun = now.open, { head } = now;
  now.open = null;
  if (begun) finish(begun, head);
  if (begun?.label !== label) now.open = { label, from: head };
  draw();
}

function finish(begun, head) {
  const from = Math.min(begun.from, head), to = Math.max(begun.from, head);
  if (from < to) change(placed(work.get(all.index).intervals, from, to, begun.label));
}

function change(intervals) {
  const own = work.get(all.index);
  if (intervals === own.intervals) return;
  own.undo.push(own.intervals);
  own.redo = [];
  put(intervals);
}

function travel(from, to) {
  const own = work.get(all.index);
  if (!own[from].length) return;
  own[to].push(own.intervals);
  put(own[from].pop());
}

function put(intervals) {
  Object.assign(work.get(all.index), { intervals, unsaved: true });
  draw();
  save();
}

// Saving: one request at a time, the newest state; what could not be saved is tried again.

async function save() {
  clearTimeout(retry);
  if (saving) return;
  const index = [...work.keys()].find((each) => work.get(each).unsaved);
  if (index === undefined) return;
  const own = work.get(index), sent = own.intervals;
  saving = true;
  said("Saving …", "");
  try {
    const { revision } = await server.save(index, own.revision, sent);
    own.revision = revision;
    own.unsaved = own.intervals !== sent;
    trouble("");
    said("All is saved", "good");
    const covered = sent.reduce((sum, [from, to]) => sum + to - from, 0);
    all.recordings[index].labelled = covered / all.recordings[index].samples;
    byId("recording").options[index].text = optionText(all.recordings[index]);
  } catch (error) {
    await failed(index, own, error);
  }
  saving = false;
  if ([...work.values()].some((each) => each.unsaved) && retry === null) save();
}

async function failed(index, own, error) {
  if (error.status === 409) {
    // What this tab had stays within reach of undo.
    try {
      const { revision, intervals } = await server.labels(index);
      const other = revision !== own.revision;
      if (other) {
        Object.assign(own, { undo: [...own.undo, own.intervals], redo: [], intervals, revision, unsaved: false });
        trouble("These labels were changed in another tab: what is there now is shown. Undo brings back yours.");
        said("All is saved", "good");
        if (now) draw();
        return;
      }
    } catch { /* The first error says it all. */ }
  }
  trouble(error.message);
  said("Not saved", "bad");
  retry = setTimeout(() => { retry = null; save(); }, RETRY_MS);
}

function said(text, kind) {
  byId("saved").textContent = text;
  byId("saved").className = kind;
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

async function exportAll() {
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await server.exported());
    link.download = `${byId("name").textContent.replace(/[^\w-]+/g, "-") || "recordings"}.labels.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    trouble(error.message);
  }
}

// Keys.

const own = () => work.get(all.index);
const width = () => now.view[1] - now.view[0];
const step = (event) => (event.altKey ? 1 : Math.max(1, Math.round(width() / (event.shiftKey ? 10 : 100))));
const previousEdge = () => edges(own().intervals).filter((edge) => edge < now.head).at(-1) ?? 0;
const nextEdge = () => edges(own().intervals).find((edge) => edge > now.head) ?? now.length;

const COMMANDS = {
  ArrowLeft: (event) => moveTo(now.head - step(event)),
  ArrowRight: (event) => moveTo(now.head + step(event)),
  ArrowUp: () => zoom(1 / 1.5),
  ArrowDown: () => zoom(1.5),
  "+": () => zoom(1 / 1.5),
  "=": () => zoom(1 / 1.5),
  "-": () => zoom(1.5),
  PageUp: () => moveTo(now.head - width()),
  PageDown: () => moveTo(now.head + width()),
  Home: () => moveTo(0),
  End: () => moveTo(now.length),
  " ": () => play(),
  ".": () => { speed = Math.min(SPEEDS.length - 1, speed + 1); draw(); },
  ",": () => { speed = Math.max(0, speed - 1); draw(); },
  Enter: () => { const begun = now.open; now.open = null; if (begun) finish(begun, now.head); draw(); },
  Escape: () => { now.open = null; draw(); },
  "[": () => change(withEdge(own().intervals, now.head, "start")),
  "]": () => change(withEdge(own().intervals, now.head, "stop")),
  "{": () => moveTo(previousEdge()),
  "}": () => moveTo(nextEdge()),
  Delete: () => change(without(own().intervals, now.head)),
  Backspace: () => change(without(own().intervals, now.head)),
  u: () => travel("undo", "redo"),
  U: () => travel("redo", "undo"),
  l: () => byId("label").focus(),
  n: () => open(all.index + 1),
  p: () => open(all.index - 1),
  e: () => exportAll(),
};

document.addEventListener("keydown", (event) => {
  if (!now || event.isComposing || event.metaKey) return;
  const place = event.target instanceof Element ? event.target : document.body;
  if (place.closest("input")) {
    if (event.key === "Escape") byId("signal").focus();
    return;
  }
  if (place.closest("select")) return;
  if (place.closest("button") && (event.key === "Enter" || event.key === " ")) return;
  let command = COMMANDS[event.key];
  if (event.ctrlKey) command = { z: COMMANDS.u, y: COMMANDS.U, Z: COMMANDS.U }[event.key];
  else if (event.altKey && !event.key.startsWith("Arrow")) command = undefined;
  else if (!command && KEYS.includes(event.key)) {
    const label = all.labels[KEYS.indexOf(event.key)];
    command = label === undefined ? undefined : () => mark(label);
  }
  if (!command) return;
  event.preventDefault();
  command(event);
});

// The mouse, buttons, and the window.

const sampleAt = (event, canvas, from, to) => {
  const box = canvas.getBoundingClientRect();
  return from + clamp((event.clientX - box.left) / box.width, 0, 1) * (to - from);
};
byId("detail").addEventListener("pointerdown", (event) => now && moveTo(sampleAt(event, byId("detail"), ...now.view)));
byId("overview").addEventListener("pointerdown", (event) => now && moveTo(sampleAt(event, byId("overview"), 0, now.length)));
byId("signal").addEventListener("wheel", (event) => {
  if (!now) return;
  event.preventDefault();
  zoom(event.deltaY > 0 ? 1.25 : 0.8);
}, { passive: false });
byId("recording").addEventListener("change", async () => { await open(Number(byId("recording").value)); byId("signal").focus(); });
byId("previous").addEventListener("click", COMMANDS.p);
byId("next").addEventListener("click", COMMANDS.n);
byId("play").addEventListener("click", play);
byId("undo").addEventListener("click", COMMANDS.u);
byId("redo").addEventListener("click", COMMANDS.U);
byId("remove").addEventListener("click", COMMANDS.Delete);
byId("export").addEventListener("click", exportAll);
byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  addLabels([byId("label").value.trim()]);
  byId("label").value = "";
  if (now) draw();
  byId("signal").focus();
});
addEventListener("resize", () => now && look());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => now && draw());
addEventListener("beforeunload", (event) => {
  if ([...work.values()].some((each) => each.unsaved)) event.preventDefault();
});
window.label = { ready: start(), state: () => ({ ...now, intervals: work.get(all.index)?.intervals, index: all.index, labels: all.labels }) };
