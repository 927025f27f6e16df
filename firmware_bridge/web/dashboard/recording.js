/**
 * Recording: takes, what is on the screen, and a script that leads the wearer.
 *
 * @module recording
 */

import { element, made, notice, write } from "./elements.js";

const READY_S = 5;
const place = "recording-notices";

/** The part of the page that records. */
export class Recording {
  #ask;
  #state = null;
  #typed = false;
  #planSeconds = 1;

  /** @param {(request: object) => boolean} ask How to ask the program. */
  constructor(ask) {
    this.#ask = ask;
    element("activity").addEventListener("input", () => (this.#typed = element("activity").value.trim() !== ""));
    element("take").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#state?.activity) ask({ do: "end" });
      else ask({ do: "begin", ...this.#who() });
    });
    element("keep").addEventListener("click", () => {
      if (element("take").reportValidity()) ask({ do: "keep", ...this.#who() });
    });
    element("plan").addEventListener("submit", (event) => {
      event.preventDefault();
      const { activities, seconds } = this.#plan();
      if (!activities.length) return notice("plan", "Choose an activity to record.", { place });
      notice("plan", "", { place });
      this.#planSeconds = seconds;
      return ask({ do: "guide", activities, seconds, subject: this.#who().subject });
    });
    element("plan").addEventListener("input", () => this.#showLength());
    element("stop-guide").addEventListener("click", () => ask({ do: "end" }));
  }

  /** Offer the activities of a model. */
  offer(labels) {
    element("known-activities").replaceChildren(...labels.map((label) => new Option("", label)));
    element("choices").replaceChildren(
      ...labels.map((label) => {
        const [line, box] = [made("label", "", "option"), made("input")];
        Object.assign(box, { type: "checkbox", value: label });
        line.append(box, label);
        return line;
      }),
    );
    this.#showLength();
  }

  /** Let the field follow the label on the screen, until somebody types. */
  follow(label) {
    if (!this.#typed && !this.#state?.activity && document.activeElement !== element("activity")) {
      element("activity").value = label;
    }
  }

  /** Show how recording stands. */
  show(state) {
    this.#state = state;
    const { activity, guide, seconds } = state;
    const isTake = Boolean(activity) && !guide;
    element("record").classList.toggle("on", isTake);
    write("record", isTake ? `Stop · ${activity}, ${Math.floor(seconds)} s` : "Record");
    element("take").hidden = Boolean(guide);
    element("guided").hidden = Boolean(guide) || isTake;
    element("keep").disabled = isTake;
    element("prompt").hidden = !guide;
    if (guide) this.#showPrompt(state);
    notice("problem", state.problem, { warn: true, place });
    const lost = state.lost ? `The disk is slow: ${state.lost} samples could not be kept.` : "";
    notice("lost", lost, { warn: true, place });
    this.#showTakes(state.takes);
  }

  #who() {
    return { activity: element("activity").value.trim(), subject: element("subject").value.trim() };
  }

  #plan() {
    const chosen = [...element("choices").querySelectorAll("input:checked")].map((box) => box.value);
    return { activities: chosen, seconds: Number(element("seconds").value) };
  }

  #showLength() {
    const { activities, seconds } = this.#plan();
    const all = activities.length * (READY_S + seconds);
    write("plan-length", activities.length ? `${activities.length} activities, ${(all / 60).toFixed(1)} minutes` : "");
  }

  #showPrompt({ activity, guide, seconds, step, steps }) {
    const left = Math.ceil(seconds);
    const rest = steps > step ? `, then ${steps - step} more` : "";
    const text = guide === "ready" ? `Get ready for ${activity || "the first activity"}: ${left} s` : "";
    write("prompt-text", text || `${activity}: ${left} s left${rest}`);
    element("prompt-progress").value = guide === "take" ? 1 - seconds / this.#planSeconds : 0;
  }

  #showTakes(takes) {
    element("kept").hidden = !takes.length;
    element("takes").replaceChildren(
      ...takes.map(({ number, activity, seconds, subject }) => {
        const [row, last, button] = [made("tr"), made("td"), made("button", "Delete", "quiet")];
        button.type = "button";
        button.setAttribute("aria-label", `Delete ${activity}, ${seconds.toFixed(0)} seconds`);
        button.addEventListener("click", () => this.#ask({ do: "discard", number }));
        last.append(button);
        row.append(made("td", `${activity} (${subject})`), made("td", seconds.toFixed(1), "number"), last);
        return row;
      }),
    );
  }
}
