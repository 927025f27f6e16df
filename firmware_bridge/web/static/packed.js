/**
 * Modules that `har phone` packs into one gzipped file. They import each other, and the library as it lies beside this one.
 *
 * @module packed
 */

import { fetchFile } from "./bundle.js";

/** Fetch packed modules and start the last one as a worker. */
export async function startPackedWorker(name) {
  return new Worker(linked(await fetchFile(name)), { type: "module" });
}

/** Fetch packed modules and return what the last one exports. */
export async function importPacked(name) {
  return import(linked(await fetchFile(name)));
}

/** Give every packed module a URL, and put URLs into those that import; return that of the last one. */
function linked(packed) {
  const places = new Map();
  for (const [name, source] of JSON.parse(new TextDecoder().decode(packed))) {
    const script = source.replaceAll(/from "(\.\/([\w-]+\.js))"/g, (_, path, imported) =>
      `from "${places.get(imported) ?? new URL(path, import.meta.url)}"`);
    places.set(name, URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  }
  return [...places.values()].at(-1);
}
