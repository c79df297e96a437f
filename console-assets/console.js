// What pages gain from JavaScript: copying, times of the reader's own, new rows by themselves, keys. Every page works without it.

function arm(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  for (const time of root.querySelectorAll('time[title$=" UTC"]')) {
    const at = new Date(`${time.title.slice(0, 10)}T${time.title.slice(11, 19)}Z`);
    if (at.getTimezoneOffset())
      time.title = `${at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" })} (${time.title})`;
  }
}
arm(document);

const here = document.querySelector("nav [aria-current]");
if (here) here.closest("nav").scrollLeft = here.offsetLeft - 48; // where the pages are in one line, that of this one is seen

async function copy(button) {
  const before = button.innerHTML;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied.");
    button.firstChild.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector("code, pre") ?? button.parentElement.previousElementSibling);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    say("Selected; copy it with the keyboard.");
  }
  setTimeout(() => { button.innerHTML = before; }, 2000);
}

function say(words) {
  let place = document.getElementById("said");
  if (!place) {
    place = Object.assign(document.createElement("p"), { id: "said", className: "unseen" });
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = words;
}

const polled = document.querySelector("[data-poll]");
const polling = polled && setInterval(refresh, Number(polled.dataset.poll));
let lastTag = ""; // of what is shown: the server says in few bytes that it is still the same

async function refresh() {
  if (document.hidden) return;
  try {
    const headers = { accept: "text/html", ...(lastTag && { "if-none-match": lastTag }) };
    const answer = await fetch(location.href, { headers, cache: "no-store" });
    if (answer.status === 304) return stale("");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(polled.id);
    if (!fresh) return stale(answer.ok ? "The session has ended. Load the page again to log in." : "The server cannot show this now; what is here may be old.");
    stale("");
    const rows = (from) => from.querySelectorAll("tbody tr").length + from.textContent.replace(/\s+/g, " ");
    if (rows(fresh) !== rows(polled) && !polled.contains(document.activeElement)) {
      polled.replaceChildren(...fresh.childNodes);
      arm(polled);
      say("The page has changed.");
    } else if (rows(fresh) !== rows(polled)) return; // not put in while somebody is in there: asked for again
    lastTag = answer.headers.get("etag") ?? "";
    if (!fresh.dataset.poll) clearInterval(polling);
  } catch {
    stale("The server does not answer; what is here may be old. It is asked again every few seconds.");
  }
}

function stale(words) {
  let place = document.getElementById("stale");
  if (!place) {
    if (!words) return;
    place = Object.assign(document.createElement("p"), { id: "stale", className: "problem mild" });
    place.setAttribute("role", "status");
    polled.before(place);
  }
  place.hidden = !words;
  if (place.textContent !== words) place.textContent = words;
}

// Single letters can be spoken or struck by accident: who wants none switches them off, in this browser (WCAG 2.1.4).
const KEYS_OFF = "sesame-keys-off";
function stored(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}
for (const box of document.querySelectorAll("input[data-page-keys]")) {
  box.closest("[hidden]").hidden = false;
  box.checked = !stored(KEYS_OFF);
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(KEYS_OFF);
      else localStorage.setItem(KEYS_OFF, "1");
    } catch { box.checked = true; }
  });
}

let pending = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || stored(KEYS_OFF)) return;
  if (event.composedPath()[0].closest?.("input, select, textarea, [contenteditable], dialog")) return;
  const rows = [...document.querySelectorAll("table.list tbody tr")];
  const at = rows.findIndex((row) => row.dataset.on);
  if (pending) {
    pending = false;
    document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") pending = true;
  else if (event.key === "/") { event.preventDefault(); document.getElementById("q")?.focus(); }
  else if (event.key === "?") help();
  else if ((event.key === "j" || event.key === "k") && rows.length) {
    const next = Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)));
    if (at >= 0) delete rows[at].dataset.on;
    rows[next].dataset.on = "1";
    rows[next].querySelector("a")?.focus();
  }
});

function help() {
  const dialog = document.createElement("dialog");
  const pages = [...document.querySelectorAll("nav [data-key]")].map(link => ["g " + link.dataset.key, link.textContent]);
  const keys = [["/", "search"], ...pages, ["j k", "rows"], ["Enter", "open"]];
  const list = document.createElement("ul");
  for (const [key, what] of keys) {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("kbd"), { textContent: key }), ` ${what}`);
    list.append(item);
  }
  const close = Object.assign(document.createElement("button"), { textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(Object.assign(document.createElement("h2"), { textContent: "Keys" }), list, close);
  document.body.append(dialog);
  dialog.showModal();
}

// A form whose answer is looked at while it is filled in: the server renders it, only what differs is put in its place.
const live = document.querySelector("form[data-live]");
let running = null;
let waiting = 0;

if (live) {
  live.addEventListener("input", (event) => {
    const what = event.target.closest("#answers") ? "write" : "preview";
    clearTimeout(waiting);
    waiting = setTimeout(() => look(what), 300);
    document.getElementById("preview").setAttribute("aria-busy", "true");
  });
  live.addEventListener("submit", (event) => {
    const what = event.submitter?.dataset.do;
    clearTimeout(waiting);
    running?.abort();
    if (!what) return;
    event.preventDefault();
    look(what);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    if (!link) return;
    event.preventDefault();
    showLine(Number(link.dataset.line));
  });
}

async function look(what) {
  running?.abort();
  const mine = running = new AbortController();
  const body = new URLSearchParams(new FormData(live));
  body.set("do", what);
  const preview = document.getElementById("preview");
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(live.dataset.live, { method: "POST", body, signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("preview");
    if (!fresh) return unseen(preview, answer.status === 403
      ? "Your log-in has ended, so what you write is not judged. Copy it before you load the page again."
      : "The server cannot judge this now. Write on, or try again.");
    const text = document.getElementById("text");
    const bad = page.getElementById("answer-problem");
    if (what === "write" && !bad) {
      text.value = page.getElementById("text").value;
      text.dispatchEvent(new Event("written"));
    }
    if (what === "preview") put("answers", page);
    if (what === "write") told(bad);
    put("preview", page);
    preview.dispatchEvent(new Event("put"));
    put("size", page);
    document.getElementById("preview").setAttribute("aria-busy", "false");
    const again = document.querySelector("#preview [data-again]");
    if (again) waiting = setTimeout(() => look(again.dataset.do), 500);
  } catch (error) {
    if (error.name === "AbortError") return;
    unseen(preview, "The server did not answer, so what you write is not judged.");
  }
}

// What was said of an earlier text is taken away: nobody should take it for this one's.
function unseen(preview, why) {
  preview.setAttribute("aria-busy", "false");
  const told = document.createElement("p");
  told.className = "problem";
  told.setAttribute("role", "alert");
  told.textContent = why;
  preview.replaceChildren(told);
}

function put(id, page) {
  const old = document.getElementById(id);
  if (!old.contains(document.activeElement) || id === "preview") old.replaceChildren(...page.getElementById(id).childNodes);
}

function told(problem) {
  document.getElementById("answer-problem")?.remove();
  if (problem) document.getElementById("answers-title").after(problem);
}

function showLine(number) {
  const text = document.getElementById("text");
  if (!text.dispatchEvent(new CustomEvent("line", { detail: number, cancelable: true }))) return;
  const lines = text.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[number - 1] || "").length);
  text.scrollTop = Math.max(0, (number - 4) * parseFloat(getComputedStyle(text).lineHeight));
}
