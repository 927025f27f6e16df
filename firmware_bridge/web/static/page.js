/**
 * Starts the page: fetches its own modules, which `har phone` packs, beside the library, which it does not.
 *
 * @module page
 */

import { importPacked } from "./packed.js";

const started = importPacked("page.json");
// Who asks at once gets what phone.js offers as soon as it is there.
window.har = {
  ready: started.then(() => window.har.ready),
  load: (url) => started.then(() => window.har.load(url)),
  predict() {
    throw new Error("expected a model, none is loaded yet: await har.ready");
  },
};
await started;
