// What the desk's pages do by themselves: renew what changes, send files, light up a column.
// Everything else is plain HTML. Nothing is fetched from elsewhere.
"use strict";

const formToken = document.querySelector('meta[name="form-token"]').content;
const RENEW_EVERY_MS = 4000;
const PARALLEL_FILES = 2;
const LONGEST_WAIT_MS = 15000;

// --- Parts of a page that renew themselves -------------------------------------------------

async function renew(part) {
  const isInUse = part.contains(document.activeElement) || part.querySelector("details[open]");
  if (document.hidden || isInUse) return;
  const answer = await fetch(part.dataset.renew).catch(() => null);
  if (!answer || !answer.ok) return;
  const told = await answer.json();
  if (told.html !== part.dataset.last) {
    part.innerHTML = told.html; // made and escaped by our own server
    part.dataset.last = told.html;
  }
  const spoken = part.dataset.spoken && document.getElementById(part.dataset.spoken);
  if (spoken && spoken.textContent !== told.spoken) spoken.textContent = told.spoken;
}

for (const part of document.querySelectorAll("[data-renew]")) {
  if (part.id === "files") continue; // the uploads below write there themselves
  setInterval(() => renew(part), RENEW_EVERY_MS);
}

// --- Uploads -------------------------------------------------------------------------------

class Stop extends Error {
  constructor(message, detail = "") {
    super(message);
    this.detail = detail;
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function digestOf(bytes) {
  if (!window.crypto || !crypto.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
}

// Asks until there is an answer: a desk that is started again goes on where it was.
async function ask(method, address, { body, headers = {}, onWaiting }) {
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(address, {
      method,
      body,
      headers: { "X-Form-Token": formToken, ...headers },
    }).catch(() => null);
    if (answer && answer.status < 500) {
      const told = await answer.json().catch(() => ({}));
      if (answer.ok || told.reason === "damaged_chunk") return told;
      throw new Stop(told.error || `HTTP ${answer.status}`, told.detail);
    }
    onWaiting();
    await sleep(Math.min(500 * 2 ** tries, LONGEST_WAIT_MS));
  }
}

function rowFor(path, size) {
  const row = document.createElement("tr");
  const name = document.createElement("td");
  name.textContent = path;
  const bytes = document.createElement("td");
  bytes.textContent = size < 1 << 20 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`;
  const outcome = document.createElement("td");
  const bar = document.createElement("progress");
  bar.max = Math.max(size, 1);
  bar.value = 0;
  bar.setAttribute("aria-label", path);
  outcome.append(bar);
  row.append(name, bytes, outcome);
  return { row, bar, outcome };
}

// A sentence in the reader's language, then the stage's own in English.
function tell(cell, sentence, detail) {
  cell.textContent = `${sentence} `;
  if (!detail) return;
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = detail;
  cell.append(small);
}

function startUploads(drop) {
  const list = document.getElementById("files");
  const status = document.getElementById("upload-status");
  const total = document.getElementById("upload-total");
  const words = drop.dataset;
  const chunkBytes = Number(words.chunk);
  const queue = [];
  const counts = { count: 0, done: 0, failed: 0 };
  let running = 0;
  let lastSaid = 0;

  function say(force) {
    const isOver = counts.done === counts.count;
    const now = Date.now();
    total.hidden = false;
    total.max = counts.count;
    total.value = counts.done;
    if (!force && !isOver && now - lastSaid < 3000) return; // a live region must not chatter
    lastSaid = now;
    const sentence = isOver ? words.allDone : words.summary;
    status.textContent = sentence.replace(/\{(\w+)\}/g, (_, key) => counts[key]);
  }

  function onWaiting() {
    status.textContent = words.waiting;
  }

  async function send(file, path, shown) {
    const asked = { path, size: file.size, modified: file.lastModified };
    let told = await ask("POST", `/deliveries/${words.delivery}/uploads`, {
      body: JSON.stringify(asked),
      headers: { "Content-Type": "application/json" },
      onWaiting,
    });
    const old = document.getElementById(`upload-${told.id}`);
    if (old && old !== shown.row) old.remove();
    shown.row.id = `upload-${told.id}`;
    const { id } = told;
    while (told.state === "receiving" && told.received < file.size) {
      const from = told.received;
      const bytes = await file.slice(from, from + chunkBytes).arrayBuffer().catch(() => {
        throw new Stop(words.lost);
      });
      const answer = await ask("PUT", `/uploads/${id}?offset=${from}`, {
        body: bytes,
        headers: { "X-Chunk-SHA256": await digestOf(bytes), "Content-Type": "application/octet-stream" },
        onWaiting,
      });
      if (answer.received !== undefined) told = answer; // a damaged chunk is sent again
      shown.bar.value = told.received;
      say(false);
    }
    return ask("POST", `/uploads/${id}/finish`, { onWaiting });
  }

  async function work() {
    running += 1;
    while (queue.length) {
      const { file, path, shown } = queue.shift();
      let isTaken = false;
      try {
        const told = await send(file, path, shown);
        isTaken = told.state === "taken" || told.state === "duplicate";
        tell(shown.outcome, told.said, told.detail);
        shown.row.className = told.is_warning ? "alike" : told.state;
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
        tell(shown.outcome, error.message, error.detail);
        shown.row.className = "refused";
      }
      counts.done += 1;
      if (!isTaken) counts.failed += 1;
      say(false);
    }
    running -= 1;
  }

  function add(found) {
    found.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
    for (const { file, path } of found) {
      const shown = rowFor(path, file.size);
      list.append(shown.row);
      queue.push({ file, path, shown });
      counts.count += 1;
    }
    if (found.length) say(true);
    while (running < PARALLEL_FILES && queue.length) work();
  }

  for (const kind of ["files", "folder"]) {
    const input = document.getElementById(`${kind}-input`);
    document.getElementById(`choose-${kind}`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      add(Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  }
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
    add((await Promise.all(entries.map(filesBelow))).flat());
  });
  window.addEventListener("beforeunload", (event) => {
    if (counts.done < counts.count) event.preventDefault();
  });
}

async function filesBelow(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const below of some) found.push(...(await filesBelow(below)));
  }
}

const drop = document.getElementById("drop");
if (drop) startUploads(drop);

// Files that the desk fetches by itself, from a IIIF manifest.
const fetched = document.getElementById("files");
if (fetched && fetched.dataset.busy === "yes") {
  const timer = setInterval(async () => {
    await renew(fetched);
    if (!fetched.querySelector("tr.waiting")) clearInterval(timer);
  }, RENEW_EVERY_MS);
}

// --- A page and its transcription ----------------------------------------------------------

const picture = document.getElementById("page-picture");
if (picture) {
  for (const [id, name] of [["show-text", "without-text"], ["show-boxes", "without-boxes"]]) {
    const box = document.getElementById(id);
    const apply = () => picture.classList.toggle(name, !box.checked);
    box.addEventListener("change", apply);
    apply();
  }
  for (const line of document.querySelectorAll("[data-column]")) {
    const column = document.getElementById(line.dataset.column);
    for (const on of ["focus", "mouseenter"]) line.addEventListener(on, () => column.classList.add("lit"));
    for (const off of ["blur", "mouseleave"]) line.addEventListener(off, () => column.classList.remove("lit"));
  }
}

// --- Approval: one key a decision, for those who decide about hundreds ----------------------

const keys = document.getElementById("keys");
if (keys) {
  keys.checked = localStorage.getItem("single-keys") !== "no";
  keys.addEventListener("change", () => localStorage.setItem("single-keys", keys.checked ? "yes" : "no"));
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (!keys.checked || isTyping || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!wanted) return;
    event.preventDefault(); // the key is no part of the reason that it asks for
    wanted.click();
  });
}
