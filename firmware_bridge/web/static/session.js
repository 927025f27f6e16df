/**
 * A recording session: asks for one activity after the other, and keeps what was recorded.
 *
 * @module session
 */

import { sendToLaptop, token } from "./laptop.js";
import { Take, TakeStore, toCsv } from "./recorder.js";
import { element, made, notice, write } from "./view.js";

const say = (about, sentence) => notice(about, sentence, { place: "recording-notices" });

const GET_READY_S = 5;
const LEAST_SECONDS = 5;
const MOST_SECONDS = 600;

/** The part of the page that records. */
export class Session {
  #store = new TakeStore();
  #take = null;
  #stopped = null;
  #page;
  #lock = null;

  /**
   * Show what was recorded before, and let the person record.
   *
   * @param {{isRunning: () => boolean, start: () => Promise<void>}} page How to ask it to listen.
   */
  async open(page) {
    this.#page = page;
    element("plan").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#record();
    });
    element("cancel").addEventListener("click", () => this.interrupt("You stopped it."));
    element("download").addEventListener("click", (event) => this.#download(event));
    element("send").hidden = !token();
    element("send").addEventListener("click", () => this.#send());
    say("store", await this.#store.open());
    this.#show();
  }

  /** Offer these activities. */
  offer(labels) {
    element("activities").replaceChildren(
      ...labels.map((label) => {
        const [line, box] = [made("label", "", "option"), made("input")];
        Object.assign(box, { type: "checkbox", name: "activity", value: label });
        line.append(box, label);
        return line;
      }),
    );
  }

  /** Take a sample in m/s²; it is kept while an activity is being recorded. */
  take(sample, timeMs) {
    this.#take?.add(sample, timeMs);
  }

  /** @returns {{takes: Take[], subject: string}} What was recorded, and who the page says wears the sensor. */
  get recorded() {
    return { takes: this.#store.takes, subject: element("subject").value.trim() };
  }

  /** End the session; what was recorded so far is kept. */
  interrupt(why) {
    this.#stopped?.(why);
  }

  async #record() {
    const activities = this.#wanted();
    const seconds = Number(element("seconds").value);
    if (!activities.length) return say("record", "Choose an activity to record, or name another one.");
    if (!(seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS)) {
      return say("record", `Expected ${LEAST_SECONDS} to ${MOST_SECONDS} seconds for each activity.`);
    }
    say("record", "");
    if (!this.#page.isRunning()) await this.#page.start();
    if (!this.#page.isRunning()) return say("record", "Nothing can be recorded before the sensor is there.");
    if (!(await this.#own())) return say("record", "Another tab of this page is recording: use that one.");
    return this.#run(activities, seconds);
  }

  #wanted() {
    const chosen = [...document.querySelectorAll("#activities input:checked")].map((box) => box.value);
    const another = element("another").value.trim();
    return another && !chosen.includes(another) ? [...chosen, another] : chosen;
  }

  /** Let no other tab record the same movements meanwhile; where there are no locks there is one tab, we hope. */
  async #own() {
    if (!navigator.locks) return true;
    return new Promise((answer) => {
      navigator.locks.request("edgehar recording", { ifAvailable: true }, (lock) => {
        answer(Boolean(lock));
        return lock && new Promise((release) => (this.#lock = release));
      });
    });
  }

  async #run(activities, seconds) {
    const screen = await stayAwake();
    const interrupted = new Promise((stop) => (this.#stopped = stop));
    element("plan").hidden = true;
    element("prompt").hidden = false;
    element("cancel").focus();
    let why = null;
    for (const [index, label] of activities.entries()) {
      const rest = activities.length - index - 1;
      why = await this.#one(label, seconds, { interrupted, rest });
      if (why) break;
    }
    this.#stopped = null;
    this.#lock?.();
    screen?.release();
    element("prompt").hidden = true;
    element("plan").hidden = false;
    element("record").focus();
    say("record", why ? `${why} What was recorded until then is kept.` : "All activities are recorded.");
    signal(3);
  }

  /** Record one activity; return why it was interrupted, or null. */
  async #one(label, seconds, { interrupted, rest }) {
    const prepared = await countDown(GET_READY_S, interrupted, (left) => {
      write("prompt-text", `Get ready for ${label}: ${left} s`);
      element("prompt-progress").value = 0;
    });
    if (prepared) return prepared;
    signal(1);
    this.#take = new Take({ label, subject: element("subject").value.trim() });
    const why = await countDown(seconds, interrupted, (left) => {
      write("prompt-text", `${label}: ${left} s left${rest ? `, then ${rest} more` : ""}`);
      element("prompt-progress").value = 1 - left / seconds;
    });
    const take = this.#take;
    this.#take = null;
    signal(2);
    if (take.times.length < 2) return why ?? "No reading came from the sensor.";
    say("store", await this.#store.add(take));
    this.#show();
    return why;
  }

  #show() {
    const { takes } = this.#store;
    element("kept").hidden = !takes.length;
    element("takes").replaceChildren(
      ...takes.map((take) => {
        const [row, last, button] = [made("tr"), made("td"), made("button", "Delete", "quiet")];
        button.type = "button";
        button.setAttribute("aria-label", `Delete ${take.label}, ${take.seconds.toFixed(0)} seconds`);
        button.addEventListener("click", async () => {
          await this.#store.remove(take);
          this.#show();
        });
        last.append(button);
        const name = take.subject ? `${take.label} (${take.subject})` : take.label;
        row.append(
          made("td", name),
          made("td", take.seconds.toFixed(1), "number"),
          made("td", String(take.holes), "number"),
          last,
        );
        return row;
      }),
    );
  }

  async #send() {
    element("send").disabled = true;
    say("sent", "Sending…");
    const { file, problem } = await sendToLaptop(toCsv(this.#store.takes));
    element("send").disabled = false;
    say("sent", problem ?? `The laptop has it: ${file}.`);
  }

  #download({ currentTarget: link }) {
    const file = new Blob([toCsv(this.#store.takes)], { type: "text/csv" });
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(file);
    link.download = `edgehar-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}.csv`;
  }
}

/** Count seconds down; return why it was interrupted, or null at the end. */
async function countDown(seconds, interrupted, show) {
  const endMs = performance.now() + 1000 * seconds;
  for (let leftMs = 1000 * seconds; leftMs > 0; leftMs = endMs - performance.now()) {
    show(Math.ceil(leftMs / 1000));
    const tick = new Promise((done) => window.setTimeout(done, Math.min(leftMs, 250), null));
    const why = await Promise.race([interrupted, tick]);
    if (why) return why;
  }
  return null;
}

/** Keep the screen on: a phone that sleeps reads no sensor. */
async function stayAwake() {
  try {
    return await navigator.wakeLock?.request("screen");
  } catch {
    return null;
  }
}

let speaker = null;

/** Vibrate and beep: who moves does not look at the screen. */
function signal(times) {
  navigator.vibrate?.(Array.from({ length: 2 * times - 1 }, () => 150));
  try {
    speaker ??= new AudioContext();
    for (let index = 0; index < times; index++) {
      const tone = new OscillatorNode(speaker, { frequency: 880 });
      const at = speaker.currentTime + 0.25 * index;
      tone.connect(new GainNode(speaker, { gain: 0.15 })).connect(speaker.destination);
      tone.start(at);
      tone.stop(at + 0.15);
    }
  } catch {
    // A device without sound still vibrates, and shows the prompt.
  }
}
