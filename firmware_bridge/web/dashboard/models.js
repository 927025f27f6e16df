/**
 * Which model runs on what, and a model fitted to the wearer.
 *
 * @module models
 */

import { element, made, notice } from "./elements.js";

const inWords = ({ engine, quantization }) => `${engine === "auto" ? "the fastest engine" : engine} · ${quantization}`;
const value = ({ engine, quantization }) => `${engine}/${quantization}`;

/** The part of the page that changes models. */
export class Models {
  #ask;
  #models = [];
  #running = null;
  #fitted = "";
  #chosen = new Map();

  /** @param {(request: object) => boolean} ask How to ask the program. */
  constructor(ask) {
    this.#ask = ask;
    element("model").addEventListener("change", () => this.#showEngines());
    element("engine").addEventListener("change", () => this.#showChange());
    element("choose").addEventListener("submit", (event) => {
      event.preventDefault();
      const [engine, quantization] = element("engine").value.split("/");
      this.#change({ model: element("model").value, engine, quantization });
    });
    element("fit").addEventListener("click", () => this.#fit());
    element("cancel-fit").addEventListener("click", () => ask({ do: "cancel" }));
    element("use-fitted").addEventListener("click", () =>
      this.#change({ model: this.#fitted, engine: "auto", quantization: "float32" }),
    );
  }

  /** Offer models. */
  offer(models) {
    this.#models = models;
    const before = element("model").value || this.#running?.model;
    element("model").replaceChildren(...models.map(({ name }) => new Option(name, name)));
    if (models.some(({ name }) => name === before)) element("model").value = before;
    this.#showEngines();
  }

  /** Show which one runs. */
  run(running) {
    this.#running = running;
    element("model").value = running.model;
    this.#showEngines();
    element("engine").value = value(running);
    this.#showChange();
    notice("change", "", { place: "model-notices" });
    this.#showUse();
  }

  /** Offer captures to play and to learn from. */
  offerCaptures(captures, play) {
    element("captures-table").hidden = !captures.length;
    element("no-captures").hidden = Boolean(captures.length);
    element("fit").hidden = !captures.length || !element("cancel-fit").hidden;
    element("captures").replaceChildren(
      ...captures.map(({ name, kilobytes }, index) => {
        const [row, first, line, box] = [made("tr"), made("td"), made("label", "", "option"), made("input")];
        Object.assign(box, { type: "checkbox", value: name, checked: this.#chosen.get(name) ?? index === 0 });
        box.addEventListener("change", () => this.#chosen.set(name, box.checked));
        line.append(box, name);
        first.append(line);
        const [last, button] = [made("td"), made("button", "Play", "quiet")];
        button.type = "button";
        button.setAttribute("aria-label", `Play ${name}`);
        button.addEventListener("click", () => play(name));
        last.append(button);
        row.append(first, made("td", `${kilobytes} KB`, "number"), last);
        return row;
      }),
    );
  }

  /** Show how fitting stands. */
  showFitting({ running, done, total, problem, model, result }) {
    element("fit").hidden = running || element("captures-table").hidden;
    element("cancel-fit").hidden = !running;
    element("fitting").hidden = !running;
    element("fitting").value = total ? Math.min(1, done / total) : 0;
    const text = running ? `Fitting: ${total ? `${done} of up to ${total} models tried` : "reading the recordings"}.` : problem;
    notice("fitting", text, { warn: Boolean(problem), place: "fitting-notices" });
    element("fitted").hidden = !model;
    if (!model) return;
    this.#fitted = model;
    this.#showUse();
    const [before, after] = [result.before.macro_f1, result.after.macro_f1].map((each) => each.toFixed(2));
    const sentences = [
      `${model} is ready. ${result.protocol}: macro-F1 ${before} before, ${after} after.`,
      ...result.record_more,
      ...result.remarks,
    ];
    element("fitted-text").replaceChildren(...sentences.map((each) => made("li", each)));
  }

  #change(request) {
    notice("change", "Loading…", { place: "model-notices" });
    if (!this.#ask({ do: "switch", ...request })) notice("change", "The program is not there.", { place: "model-notices" });
  }

  #showUse() {
    element("use-fitted").disabled = this.#running?.model === this.#fitted;
    element("use-fitted").textContent = element("use-fitted").disabled ? "In use" : "Use it now";
  }

  #fit() {
    const captures = [...element("captures").querySelectorAll("input:checked")].map((box) => box.value);
    this.#ask({ do: "fit", captures });
  }

  #showEngines() {
    const model = this.#models.find(({ name }) => name === element("model").value);
    const before = element("engine").value;
    element("engine").replaceChildren(...(model?.engines ?? []).map((each) => new Option(inWords(each), value(each))));
    if ([...element("engine").options].some((option) => option.value === before)) element("engine").value = before;
    this.#showChange();
  }

  #showChange() {
    const running = this.#running;
    const isSame =
      running && running.model === element("model").value && value(running) === element("engine").value;
    element("switch").disabled = !running || isSame;
  }
}
