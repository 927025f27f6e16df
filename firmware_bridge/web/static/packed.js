/**
 * Modules that `har phone` packs into one gzipped file, to keep the folder small.
 *
 * @module packed
 */

import { fetchFile } from "./bundle.js";

/** Fetch packed modules and start the last one as a worker. */
export async function startPackedWorker(name) {
  // A worker has modules of its own, and may not find those of the page when there is no network.
  const copy = async (plain, link) => blobOf(link(await (await fetch(plain)).text()));
  return new Worker(await linked(await modules(name), copy), { type: "module" });
}

/** Fetch packed modules and return what the last one exports. */
export async function importPacked(name) {
  // A module of the page must not be there twice.
  return import(await linked(await modules(name), (plain) => new URL(`./${plain}`, import.meta.url).href));
}

/** Return pairs of name and source, each after those that it imports; a plain module of the page has no source. */
async function modules(name) {
  return JSON.parse(new TextDecoder().decode(await fetchFile(name)));
}

/** Give every module a URL, and put it into those that import it; return that of the last one. */
async function linked(pairs, placeOfPlain) {
  const places = new Map();
  const link = (source) => source.replaceAll(/from "\.\/([\w-]+\.js)"/g, (_, imported) => `from "${places.get(imported)}"`);
  for (const [name, source] of pairs) {
    places.set(name, source === null ? await placeOfPlain(name, link) : blobOf(link(source)));
  }
  return [...places.values()].at(-1);
}

function blobOf(script) {
  return URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
}
