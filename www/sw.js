// Keeps the page's files, so that it opens without a network once it has been opened with one.
//
// Knows where the page and its worker start and follows what the files there name; keeps no list of
// its own. A file whose name carries a hash of its content is taken from the cache. All others are
// asked for first, so that a new build is seen as soon as there is a network. Requests to the
// service below `api/`, of other methods or to other places are none of its business.
//
// Invariant: a cache that holds the page's address holds everything of that build. It is put
// there last, and what the build before left is deleted only then.
'use strict';

const HOME = self.registration.scope;
// The page's program starts its worker with this; no text says so.
const WORKER = `${HOME}worker.js`;
// Another page of this origin may have caches, too.
const CACHES = `inkveil ${HOME} `;
// A network that says nothing for so long counts as none, where there is something to show.
const PATIENCE_MS = 5000;
// Until then a page that was opened has its network for itself.
const START_MS = 3000;
// As trunk names files: `app-0123456789abcdef.js`, or with `_bg` behind it.
const HASHED = /-[0-9a-f]{13,16}(_bg)?\.[a-z]+$/;
// A file that another one names, in HTML with trunk's script, or in a manifest.
const NAMED = /(?:href=|src=|"src": |from |module_or_path: )["'](?:\.\/)?([\w./-]+)["']/g;
const ANY = { ignoreSearch: true, ignoreVary: true };

self.addEventListener('install', event => {
  // Where the browser can, requests to the service don't even wait for this script to start.
  const pathname = `${new URL(HOME).pathname}api/*`;
  const route = { condition: { urlPattern: { pathname } }, source: 'network' };
  if (event.addRoutes) event.waitUntil(event.addRoutes(route).catch(() => {}));
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener('fetch', event => {
  const { method, url } = event.request;
  if (method !== 'GET' || !url.startsWith(HOME)) return;
  const path = new URL(url).pathname.slice(new URL(HOME).pathname.length);
  if (path.startsWith('api/')) return;
  if (path === '' || path === 'index.html') event.respondWith(open(event));
  else if (HASHED.test(path)) event.respondWith(take(event.request));
  else event.respondWith(ask(event.request, path));
});

/** The page itself. */
async function open(event) {
  const response = await ask(event.request, '');
  const started = new Promise(resolve => setTimeout(resolve, START_MS));
  event.waitUntil(started.then(keep).catch(() => {}));
  return response;
}

/** A file that can't have changed. */
async function take(request) {
  return (await caches.match(request, ANY)) ?? fetch(request);
}

/** A file that may have changed: from the network, or else from the cache. */
async function ask(request, path) {
  const kept = await caches.match(HOME + path, ANY);
  if (!kept) return fetch(request);
  const network = fetch(request).then(response => (response.status < 500 ? response : kept));
  const waited = new Promise(resolve => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([network.catch(() => kept), waited]);
}

/** Fills a cache for the build that the network has now, unless there is one. */
async function keep() {
  const build = await gather();
  const name = CACHES + (await digest(build));
  const cache = await caches.open(name);
  if (!(await cache.match(HOME))) {
    const { [HOME]: home, ...others } = build;
    await Promise.all(Object.entries(others).map(([url, file]) => cache.put(url, file)));
    await cache.put(HOME, home);
  }
  const all = await caches.keys();
  const old = all.filter(other => other.startsWith(CACHES) && other !== name);
  await Promise.all(old.map(other => caches.delete(other)));
}

/** The page with everything that it takes, by address. */
async function gather() {
  const build = {};
  const follow = async url => {
    if (url in build) return;
    build[url] = null;
    build[url] = await load(url);
    if (url !== HOME && !url.endsWith('.webmanifest')) return;
    const text = await build[url].clone().text();
    await Promise.all([...text.matchAll(NAMED)].map(([, name]) => follow(HOME + name)));
  };
  await Promise.all([HOME, WORKER].map(follow));
  return build;
}

/** A file, checked with the server unless its name says that it can't have changed. */
async function load(url) {
  const kept = HASHED.test(url) && (await caches.match(url, ANY));
  const response = kept || (await fetch(url, { cache: HASHED.test(url) ? 'default' : 'no-cache' }));
  if (!response.ok || response.redirected) throw new Error(`${url} was answered with ${response.status}`);
  return response;
}

async function digest(build) {
  const files = Object.keys(build).sort().map(url => build[url].clone().blob());
  const bytes = await new Blob(await Promise.all(files)).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
}
