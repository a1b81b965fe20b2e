// Makes smoother what works without it. No dependency, no inline code, no words of its own but those in the page.
import { follow, hush, reload, tell } from "./live.js";

const page = document.documentElement;
// What the tabs of one browser tell each other: "locked", "left".
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("closeknit") : null;
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

// -- small pieces ------------------------------------------------------------------------------------------------------
export function enhance(root = document) {
  for (const button of $$("[data-reveal]", root)) {
    const field = document.getElementById(button.dataset.reveal), show = button.textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      const hidden = field.type === "password";
      field.type = hidden ? "text" : "password";
      button.textContent = hidden ? button.dataset.hide : show;
    });
  }
  for (const button of $$("[data-copy]", root)) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      source.select();
      await navigator.clipboard.writeText(source.value);
      button.disabled = true;
      setTimeout(() => { button.disabled = false }, 1500);
    });
  }
  for (const button of $$("[data-print]", root)) { button.hidden = false; button.addEventListener("click", () => print()) }
  for (const field of $$("[data-zone]", root)) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  for (const button of $$("[data-noscript-only]", root)) button.hidden = true;
  for (const field of $$("textarea[data-draft-url]", root)) keepDraft(field);
  for (const land of $$("[data-land]", root)) mayLand(land);
  for (const box of $$("[data-filter]", root)) filter(box);
  root.querySelector("[data-focus]")?.focus();
}

// -- a long list of words: what is typed leaves those that hold it, or whose family says it, and all that are chosen ------------
function filter(box) {
  const field = box.querySelector("input");
  box.hidden = false;
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault() });
  field.addEventListener("input", () => {
    const asked = field.value.trim().toLowerCase(), holds = (one) => one.textContent.toLowerCase().includes(asked);
    for (const family of $$("fieldset", box.parentElement)) {
      const whole = holds(family.querySelector("legend")), labels = $$("label", family);
      for (const label of labels) label.hidden = !(whole || holds(label) || label.querySelector(":checked"));
      family.hidden = labels.every((label) => label.hidden);
    }
  });
}

// -- how might this land: a piece of the page under the composer, asked for by its writer, gone with the page ----------------
function mayLand(land) {
  const ask = land.querySelector("[data-land-ask]"), place = land.querySelector("[data-land-place]"), form = ask.form;
  const given = [];
  const send = (address, body) => fetch(address, { method: "POST", body, headers: { "X-Land": "1" } });
  ask.addEventListener("click", async (event) => {
    event.preventDefault();
    if (ask.disabled) return;
    const body = new FormData(form), label = ask.textContent;
    body.set("given", given.join(","));
    ask.disabled = true;
    const slow = setTimeout(() => { ask.textContent = ask.dataset.busy }, 300);
    try {
      const answer = await send(ask.formAction, new URLSearchParams(body));
      const fresh = document.createRange().createContextualFragment(await answer.text());
      if (!fresh.querySelector(".landing")) throw new Error();
      given.push(...(fresh.querySelector("[data-tips]")?.dataset.tips ?? "").split(",").filter(Boolean));
      place.replaceChildren(fresh);
    } catch { place.textContent = ask.dataset.failed }
    clearTimeout(slow);
    ask.textContent = label;
    ask.disabled = false;
  });
  place.addEventListener("click", async (event) => {
    const off = event.target.closest("[data-land-off]");
    if (!off) return;
    event.preventDefault();
    const answer = await send(off.formAction, new URLSearchParams({ tip: off.value, csrfmiddlewaretoken: token() })).catch(() => null);
    if (answer?.ok) off.parentElement.replaceChildren(document.createRange().createContextualFragment(await answer.text()));
  });
}

// -- drafts: saved a moment after the last key ---------------------------------------------------------------------------
function keepDraft(field) {
  const state = field.form.querySelector("[data-draft-state]"), saved = state?.textContent;
  let last = field.value, timer = 0, busy = false;
  const body = () => new URLSearchParams({ text: field.value, csrfmiddlewaretoken: token() });
  const save = async () => {
    if (busy || field.value === last) return;
    busy = true;
    const sent = field.value;
    try {
      const answer = await fetch(field.dataset.draftUrl, { method: "POST", body: body(), headers: { Accept: "application/json" } });
      if (answer.status === 423) { reload(); return }
      const said = await answer.json().catch(() => ({}));
      // Signs of danger: help, for whoever writes, and for nobody else. It stays until they leave the page.
      if (said.care) field.form.querySelector("[data-care]")?.removeAttribute("hidden");
      if (answer.ok) { last = sent; if (state) state.textContent = saved }
      else if (state) state.textContent = said.say ?? state.dataset.failed ?? saved;
    } catch { if (state) state.textContent = "…" }
    busy = false;
    if (field.value !== last) schedule();
  };
  const schedule = () => { clearTimeout(timer); timer = setTimeout(save, 800) };
  field.addEventListener("input", schedule);
  const leave = () => {
    if (field.value === last || !field.isConnected) return;
    last = field.value;
    fetch(field.dataset.draftUrl, { method: "POST", body: body(), keepalive: true, headers: { Accept: "application/json" } }).catch(() => {});
  };
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave() });
  field.form.addEventListener("submit", () => { clearTimeout(timer); last = field.value });
}

// -- what is sent is sent once, and never into a cut line -------------------------------------------------------------------
function sending() {
  let sent = -Infinity;
  document.addEventListener("submit", (event) => {
    if (!event.target.closest("[data-live]")) return;
    const twice = event.timeStamp - sent < 5000;
    if (!twice && navigator.onLine) { sent = event.timeStamp; return }
    event.preventDefault();
    event.stopPropagation();
    if (!twice) tell(page.dataset.away);
  }, { capture: true });
}

// -- quick exit: Shift three times within five seconds, dots to see it -----------------------------------------------------
function quickExit() {
  const link = document.getElementById("exit");
  if (!link) return;
  const cover = () => {
    hush();
    const overlay = document.createElement("div");
    overlay.className = "overlay";
    document.body.append(overlay);
    document.title = link.dataset.plain ?? "";
    page.classList.add("locking");
  };
  const go = (event) => {
    event?.preventDefault();
    cover();
    tabs?.postMessage("left");
    location.replace(link.href);
  };
  // Left in another tab: this one is covered at once, and follows when that one has found its page.
  tabs?.addEventListener("message", (event) => { if (event.data === "left") { cover(); setTimeout(() => location.replace(link.href), 1500) } });
  link.addEventListener("click", go);
  const dots = document.createElement("div");
  dots.className = "exit-dots";
  dots.setAttribute("aria-hidden", "true");
  document.body.append(dots);
  let presses = [];
  addEventListener("keydown", (event) => {
    if (event.key !== "Shift") { presses = []; dots.textContent = ""; return }
    if (event.repeat) return;
    presses = [...presses.filter((at) => event.timeStamp - at < 5000), event.timeStamp];
    dots.textContent = "•".repeat(presses.length);
    if (presses.length >= 3) go();
    else setTimeout(() => { if (!presses.length || event.timeStamp === presses.at(-1)) { presses = []; dots.textContent = "" } }, 5000);
  });
}

// -- the lock: hides before the server answers -----------------------------------------------------------------------------
function idleLock() {
  const minutes = Number(page.dataset.lockMinutes);
  addEventListener("pageshow", (event) => { if (event.persisted) { page.classList.add("locking"); location.reload() } });
  tabs?.addEventListener("message", (event) => { if (event.data === "locked" && minutes) { page.classList.add("locking"); reload() } });
  if (!minutes) return;
  let seen = Date.now();
  // Not "scroll": a page that a poke has made longer or shorter scrolls by itself.
  for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) addEventListener(kind, () => { seen = Date.now() }, { passive: true });
  const lock = async () => {
    page.classList.add("locking");
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), next: location.pathname });
    for (const field of $$("textarea:not([readonly])")) if (field.value.trim() && field.name) body.set(field.name, field.value);
    try { await fetch("/lock/", { method: "POST", body, redirect: "manual" }) } finally { tabs?.postMessage("locked"); reload() }
  };
  document.querySelector("[data-lock]")?.form.addEventListener("submit", (event) => { event.preventDefault(); lock() });
  addEventListener("keydown", (event) => { if (event.altKey && event.shiftKey && event.code === "KeyL") { event.preventDefault(); lock() } });
  // A talk may hold the lock back, with its member's yes; the server knows until when.
  const held = () => Number(document.querySelector("[data-held-until]")?.dataset.heldUntil ?? 0) * 1000;
  setInterval(() => { if (Date.now() - seen > minutes * 60000 && Date.now() > held()) { seen = Infinity; lock() } }, 5000);
}

// -- an invitation's secret: from behind the # into the form, and out of the address bar --------------------------------------
function invitation() {
  const form = document.querySelector("form[data-invitation]"), secret = location.hash.slice(1);
  if (!form || secret.length < 20) return;
  form.querySelector("[data-invitation-secret]").value = secret;
  history.replaceState(null, "", location.pathname);
  form.requestSubmit();
}

enhance();
sending();
quickExit();
idleLock();
invitation();
follow({ enhance });
