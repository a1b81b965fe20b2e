// Passkeys: asks the server what to ask, the device for its answer, and sends that along with the form. Keeps nothing.

const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

/** The server's JSON, with bytes where the browser wants bytes. */
function read({ publicKey }) {
  publicKey.challenge = bytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  for (const one of [...(publicKey.excludeCredentials ?? []), ...(publicKey.allowCredentials ?? [])]) one.id = bytes(one.id);
  const asked = publicKey.extensions?.prf?.eval;
  if (asked) asked.first = bytes(asked.first);
  return publicKey;
}

/** What the device answered, as JSON; without what extensions said. */
function written({ id, rawId, type, response }) {
  const found = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) found[name] = text(response[name]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: found });
}

const answer = (credential) => credential.getClientExtensionResults().prf?.results?.first;

async function make(publicKey, opens) {
  if (!opens) delete publicKey.extensions;
  const credential = await navigator.credentials.create({ publicKey });
  let prf = answer(credential);
  if (opens && !prf && credential.getClientExtensionResults().prf?.enabled) {
    // Many devices answer only when they are used: use it once, for its own page alone.
    const once = {
      challenge: crypto.getRandomValues(new Uint8Array(32)), rpId: publicKey.rp.id, userVerification: "required",
      allowCredentials: [{ type: "public-key", id: credential.rawId }], extensions: publicKey.extensions,
    };
    prf = await navigator.credentials.get({ publicKey: once }).then(answer).catch(() => undefined);
  }
  return { credential, prf };
}

async function use(publicKey) {
  const credential = await navigator.credentials.get({ publicKey });
  return { credential, prf: answer(credential) };
}

function put(form, name, value) {
  const field = form.querySelector(`input[name=${name}]`) ?? document.createElement("input");
  Object.assign(field, { type: "hidden", name, value });
  form.append(field);
}

async function go(button) {
  const form = button.form, said = form.querySelector("[data-passkey-said]"), add = button.dataset.passkey === "add";
  button.disabled = true;
  if (said) said.hidden = true;
  try {
    const body = new URLSearchParams({ for: button.dataset.passkey, csrfmiddlewaretoken: form.querySelector("input[name=csrfmiddlewaretoken]").value });
    const asked = await fetch(button.dataset.options, { method: "POST", body, headers: { Accept: "application/json" } });
    if (asked.redirected) { location.reload(); return }
    if (!asked.ok) throw new Error("not here");
    const options = read(await asked.json());
    const { credential, prf } = add ? await make(options, form.querySelector("[name=opens]")?.checked) : await use(options);
    put(form, "credential", written(credential));
    if (prf) put(form, "prf", text(prf));
    for (const field of form.querySelectorAll("[data-passphrase]")) field.value = "";
    button.dataset.ready = "yes";
    button.disabled = false;
    form.requestSubmit(button);
  } catch {
    button.disabled = false;
    if (said) said.hidden = false;
  }
}

if (window.PublicKeyCredential && isSecureContext) {
  for (const note of document.querySelectorAll("[data-passkey-none]")) note.hidden = true;
  for (const button of document.querySelectorAll("[data-passkey]")) {
    button.hidden = false;
    button.addEventListener("click", (event) => {
      if (button.dataset.ready) return;
      event.preventDefault();
      go(button);
    });
  }
}
