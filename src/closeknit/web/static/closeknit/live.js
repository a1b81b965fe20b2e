// One stream a browser: the tab that holds the lock leads and passes pokes on. A poke says "look again"; the page fetches.
const policy = window.trustedTypes?.createPolicy("default", { createHTML: (html) => html });
const parse = (html) => new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");

// Once somebody is leaving by Quick exit nothing may load this page, or the sign-in page, over where they go.
let leaving = false;
let stream = null;
export function hush() { leaving = true; stream?.close() }
export function reload() { if (!leaving) location.reload() }

// A line at the top of the page, read out where somebody listens; gone again after a while.
export function tell(text, quiet = false) {
  const status = document.getElementById("status");
  status.classList.toggle("visually-hidden", quiet);
  status.textContent = text;
  setTimeout(() => { if (status.textContent === text) status.textContent = "" }, quiet ? 4000 : 8000);
}

export function follow({ enhance }) {
  const regions = () => [...document.querySelectorAll("[data-live]")];
  if (!regions().length) return;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("closeknit-pokes") : null;
  const wanted = new Map();
  const status = document.getElementById("status");
  let heard = 0;

  async function look(region) {
    if (leaving) return;
    if (region.dataset.busy) { region.dataset.again = "1"; return }
    region.dataset.busy = "1";
    try {
      const answer = await fetch(region.dataset.url, { headers: { "X-Poke": "1" } });
      if (answer.status === 423 || answer.status === 403) { reload(); return }
      if (!answer.ok) return;
      const fresh = parse(await answer.text()).querySelector("[data-live]");
      if (region.isConnected) place(region, fresh);
    } catch { /* the line is cut: the next poke, or the next minute, looks again */ }
    finally {
      delete region.dataset.busy;
      if (region.dataset.again) { delete region.dataset.again; look(region) }
    }
  }

  // What the scripts themselves changed, and how long ago something was, is no news.
  function bare(node) {
    const copy = node.cloneNode(true);
    for (const one of copy.querySelectorAll("input[name=csrfmiddlewaretoken]")) one.remove();
    for (const one of copy.querySelectorAll("[data-time], [data-draft-state]")) one.replaceChildren();
    for (const one of copy.querySelectorAll("[hidden], details")) { one.removeAttribute("hidden"); one.removeAttribute("open") }
    return copy.innerHTML.replace(/\s+/g, " ");
  }
  const same = (a, b) => bare(a) === bare(b);

  // Something on it changes by itself (a quiet cue, a time-out that is over): look then.
  const again = new Map();
  function lookAgain(region) {
    clearTimeout(again.get(region));
    const seconds = Number(region.dataset.lookAgain);
    if (seconds > 0 && seconds < 86400) again.set(region, setTimeout(() => { if (region.isConnected) look(region) }, seconds * 1000));
  }
  regions().forEach(lookAgain);

  // While somebody is on their way to another page a poke must not load this one over it.
  let sent = -Infinity;
  const going = (event) => { if (!event.defaultPrevented) sent = performance.now() };
  document.addEventListener("submit", going);
  document.addEventListener("click", (event) => { if (event.target.closest("a[href]")) going(event) });

  function place(region, fresh) {
    const left = sent + 5000 - performance.now();
    if (left > 0) { setTimeout(() => { if (region.isConnected) look(region) }, left); return }
    // Another face of the page (it began, it rests, it is over, it was let go): what stands beside the region differs, too.
    const other = !fresh || fresh.dataset.face !== region.dataset.face, ground = other ? document.getElementById("main") : region;
    const typing = ground.contains(document.activeElement) && document.activeElement.matches("textarea, input:not([type=radio], [type=checkbox])");
    const written = [...region.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
    if (fresh) {
      region.dataset.version = fresh.dataset.version;
      region.dataset.lookAgain = fresh.dataset.lookAgain ?? "";
      lookAgain(region);
      if (!other && same(region, fresh)) return;
    }
    if (other && !typing && !written) { reload(); return }
    if (typing || written) {
      // Never under somebody's hands: say it, and let them look when they like.
      status.replaceChildren();
      status.classList.remove("visually-hidden");
      const link = document.createElement("a");
      link.href = location.pathname;
      link.textContent = document.documentElement.dataset.news;
      status.append(link);
      return;
    }
    const at = scrollY;
    region.replaceChildren(...fresh.childNodes);
    enhance(region);
    scrollTo(0, at);
    // A page that says itself whose turn it is tells screen readers alone.
    tell(fresh.dataset.say || document.documentElement.dataset.changed, Boolean(fresh.dataset.say));
  }

  function poke(line) {
    heard = Date.now();
    if (line === "hello" || line === "bye" || line.startsWith("resync")) { regions().forEach(look); return }
    const [topic, version] = line.split(" v");
    wanted.set(topic, Math.max(Number(version), wanted.get(topic) ?? 0));
    for (const region of regions()) {
      if (region.dataset.live === topic && Number(version) > Number(region.dataset.version)) look(region);
    }
  }

  channel?.addEventListener("message", (event) => poke(event.data));

  function open() {
    if (leaving) return;
    stream?.close();
    stream = new EventSource("/live/");
    stream.onmessage = (event) => { poke(event.data); channel?.postMessage(event.data) };
    stream.onerror = () => { if (stream?.readyState === EventSource.CLOSED) setTimeout(open, 2000 + Math.random() * 2000) };
  }
  function lead() {
    // Only a visible tab asks to lead, and gives the lead up when hidden, so that phones do not freeze the stream.
    if (!navigator.locks) { open(); return }
    navigator.locks.request("closeknit-stream", () => new Promise((release) => {
      if (document.visibilityState === "hidden") { release(); return }
      open();
      const hide = () => {
        if (document.visibilityState !== "hidden") return;
        document.removeEventListener("visibilitychange", hide);
        stream?.close();
        stream = null;
        release();
      };
      document.addEventListener("visibilitychange", hide);
    }));
  }
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") { lead(); regions().forEach(look) } });
  addEventListener("online", () => regions().forEach(look));
  if (document.visibilityState === "visible") lead();
  // Should the stream be silent for long (a proxy that holds it back, a leader that was frozen), look now and then.
  setInterval(() => { if (document.visibilityState === "visible" && Date.now() - heard > 45000) regions().forEach(look) }, 30000);
}
