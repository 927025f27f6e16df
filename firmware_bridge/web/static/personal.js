/**
 * The part of the page that fits the model to its wearer, and keeps the result.
 *
 * @module personal
 */

import { compileEngine } from "./bundle.js";
import { startPackedWorker } from "./packed.js";
import { MODELS, openDatabase, settled, whyNotKept, written } from "./storage.js";
import { element, made, notice, write } from "./view.js";

const say = (about, sentence, options) => notice(about, sentence, { ...options, place: "fit-notices" });

/** Fits, shows and keeps a personal model. */
export class Personal {
  #page;
  #general = null;
  #kept = null;
  #worker = null;
  /** Whatever tells one attempt at fitting from another: it may be cancelled before its worker is there. */
  #attempt = null;
  #database = null;

  /**
   * @param {object} page
   * @param {() => {takes: object[], subject: string}} page.recorded What was recorded, and who the page says wears it.
   * @param {(model: import("./bundle.js").Model) => void} page.use Classify with a model from now on.
   */
  constructor(page) {
    this.#page = page;
  }

  /** Make the buttons work. */
  async open() {
    element("fit").addEventListener("click", () => this.#fit());
    element("fit-cancel").addEventListener("click", () => this.#end("Cancelled; nothing has changed."));
    element("fit-use").addEventListener("click", () => this.#switch());
    element("fit-remove").addEventListener("click", () => this.#remove());
    this.#database = await openDatabase().catch(() => null);
  }

  /**
   * Take the general model that the page has loaded.
   *
   * @returns {Promise<import("./bundle.js").Model>} The one to use: the wearer's own, where there is one.
   */
  async offer(general) {
    if (this.#attempt) this.#end("Another model was loaded; nothing has changed.");
    this.#general = general;
    this.#kept = null;
    try {
      const store = this.#database?.transaction(MODELS).objectStore(MODELS);
      this.#kept = (store && (await settled(store.get(general.sha256)))) ?? null;
    } catch {
      // What cannot be read is as if it were not there.
    }
    try {
      const chosen = this.#kept?.inUse ? general.withBlob(this.#kept.blob) : general;
      this.#show();
      return chosen;
    } catch {
      await this.#remove();
      say("kept", "The model fitted to you could not be read any more, and was removed.", { warn: true });
      return general;
    }
  }

  async #fit() {
    if (this.#attempt) return;
    const { takes, subject } = this.#page.recorded();
    const people = [...new Set(takes.map((take) => take.subject))];
    const own = people.length > 1 ? takes.filter((take) => take.subject === subject) : takes;
    if (!own.length) {
      const who = people.map((name) => name || "nobody named").join(", ");
      const why = people.length > 1 ? `These are recordings of ${who}: write whose model it shall be under “Who wears it”.` : "";
      say("fit", why || "Record at least two activities first, each twice for 20 s.", { warn: true });
      return;
    }
    const attempt = (this.#attempt = {});
    this.#busy(true);
    say("fit", "");
    say("kept", "");
    try {
      const [worker, engine, trainer] = await Promise.all([
        startPackedWorker("training.json"),
        compileEngine(),
        compileEngine(undefined, "har_train.wasm"),
      ]);
      if (attempt !== this.#attempt) return worker.terminate();
      this.#worker = worker;
      worker.addEventListener("message", ({ data }) => this.#heard(worker, data));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        this.#end(`Fitting failed (${event.message || "the worker stopped"}); nothing has changed.`);
      });
      const { blob, description } = this.#general;
      // What is sent is copied: a take that is recorded meanwhile does not change it.
      return worker.postMessage({ general: { blob, description }, takes: own.map(plain), engine, trainer });
    } catch (error) {
      if (attempt === this.#attempt) this.#end(`${error.message}; nothing has changed.`);
    }
  }

  #heard(worker, { share, found, problem }) {
    if (worker !== this.#worker) return;
    if (share !== undefined) element("fit-progress").value = share;
    if (problem) this.#end(`It cannot be fitted: ${problem}.`.replace(/\.\.$/, "."));
    if (found) this.#keep(found);
  }

  async #keep(found) {
    this.#end("");
    if (!found.changed) {
      this.#kept = { ...found, inUse: false, createdMs: Date.now() };
      this.#show();
      return;
    }
    const kept = { ...found, inUse: true, createdMs: Date.now() };
    this.#page.use(this.#general.withBlob(kept.blob));
    this.#kept = kept;
    this.#show();
    await this.#store(kept);
  }

  async #store(kept) {
    try {
      if (!this.#database) throw new Error("no database");
      await written(this.#database, MODELS, (store) => store.put(kept, this.#general.sha256));
    } catch (error) {
      say("kept", `Your model is in this page only (${whyNotKept(error)}): it is gone when you close it.`, { warn: true });
    }
  }

  async #switch() {
    this.#kept.inUse = !this.#kept.inUse;
    this.#page.use(this.#kept.inUse ? this.#general.withBlob(this.#kept.blob) : this.#general);
    this.#show();
    await this.#store(this.#kept);
  }

  async #remove() {
    try {
      // First there, then here: a page that is closed meanwhile must not bring it back.
      await written(this.#database, MODELS, (store) => store.delete(this.#general.sha256));
    } catch {
      // Without a database it was kept nowhere.
    }
    const wasInUse = this.#kept?.inUse;
    this.#kept = null;
    this.#show();
    if (wasInUse) this.#page.use(this.#general);
  }

  #end(sentence) {
    this.#worker?.terminate();
    this.#worker = this.#attempt = null;
    this.#busy(false);
    say("fit", sentence, { warn: sentence.includes("cannot") || sentence.includes("failed") });
  }

  #busy(busy) {
    element("fit").hidden = busy;
    element("fit-cancel").hidden = element("fit-progress").hidden = !busy;
    element("fit-progress").value = 0;
    element(busy ? "fit-cancel" : "fit").focus({ preventScroll: true });
  }

  #show() {
    const kept = this.#kept;
    element("fit-result").hidden = !kept;
    if (!kept) return;
    const percent = (value) => `${Math.round(100 * value)} %`;
    const when = new Date(kept.createdMs).toLocaleDateString();
    const gain = `F1 over your activities ${percent(kept.before)} before, ${percent(kept.after)} after, by cross-validation`;
    const verdict = kept.inUse ? "Your model is in use" : "The general model is in use; yours is kept";
    write("fit-summary", kept.changed ? `${verdict} (${when}): ${gain}.` : "No step helped: the general model stays as it is.");
    element("fit-rows").replaceChildren(
      ...kept.activities.map(({ label, windows, before, after }) => {
        const row = made("tr");
        const number = (text) => made("td", text, "number");
        row.append(made("td", label), number(String(windows)), number(percent(before)), number(percent(after)));
        return row;
      }),
    );
    element("fit-advice").replaceChildren(...[...kept.remarks, ...kept.advice].map((sentence) => made("li", sentence)));
    element("fit-use").hidden = element("fit-remove").hidden = !kept.changed;
    element("fit-use").textContent = kept.inUse ? "Use the general model" : "Use my model";
  }
}

/** A take as a worker can be sent it. */
function plain({ label, times, samples }) {
  return { label, times, samples };
}
