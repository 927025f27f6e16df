/**
 * Keeps the page for when there is no network. `har phone` writes VERSION and FILES above: the hash of everything in
 * the folder, and the names. Another version is another cache, filled whole before it is used.
 */

const OWN = `edgehar ${self.registration.scope} `;
const CACHE = OWN + VERSION;
const scoped = (name) => new URL(name, self.registration.scope).href;

self.addEventListener("install", (event) => {
  // "reload" asks the server, not the browser's own cache: a new version must not be filled with old files.
  const requests = FILES.map((name) => new Request(scoped(name), { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(OWN) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  url.search = url.hash = "";
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(url.href)) ?? fetch(event.request);
  };
  event.respondWith(answer());
});
