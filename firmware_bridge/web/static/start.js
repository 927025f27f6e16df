/**
 * Begins the page. The library is plain modules, for whoever wants to use it; what the page itself is made of comes as one
 * gzipped file. `window.har` offers `load(url)` and `predict(Float32Array)` to whoever looks at it from the console.
 *
 * @module start
 */

export * from "./har.js";
import { importPacked } from "./packed.js";

let page = null;
const opened = importPacked("page.json").then((module) => {
  page = module;
  return page.open();
});

window.har = {
  load: (url) => opened.then(() => page.use(url)),
  predict: (samples) => page.predict(samples),
  ready: opened,
};
