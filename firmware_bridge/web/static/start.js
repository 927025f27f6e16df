/**
 * Begins the page. The library is plain modules, for whoever wants to use it; what the page itself is made of comes as one
 * gzipped file. `window.har` offers `load(url)` and `predict(Float32Array)` to whoever looks at it from the console.
 *
 * @module start
 */

export * from "./har.js";
import { HarError } from "./errors.js";
import { importPacked } from "./packed.js";

let page = null;
const opened = importPacked("page.json").then((module) => {
  page = module;
  return page.open();
});
opened.catch(({ message }) => {
  const item = document.createElement("li");
  item.className = "warn";
  item.textContent = `The page cannot be opened (${message}): load it again, in a browser of 2023 or later.`;
  document.getElementById("notices").append(item);
});

window.har = {
  load: (url) => opened.then(() => page.use(url)),
  predict: (samples) => {
    if (!page) throw new HarError("the page is still loading: wait for window.har.ready first");
    return page.predict(samples);
  },
  ready: opened,
};
