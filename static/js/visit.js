/* The visit page: asks for the position while the rep types, and says plainly when there is none. Saving never
   waits for it. The form carries hidden fields latitude, longitude, accuracy, located_at, device_time (WGS-84). */
const PATIENCE = 8000;

function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value ?? "";
  }
}

function say(form, key, number) {
  const line = form.querySelector("[data-position]");
  if (line) line.textContent = line.dataset[key].replace("{n}", number ?? "");
}

function found(form, { coords, timestamp }) {
  fill(form, { latitude: coords.latitude.toFixed(6), longitude: coords.longitude.toFixed(6), accuracy: Math.round(coords.accuracy), located_at: new Date(timestamp).toISOString() });
  say(form, "found", Math.round(coords.accuracy));
  form.dispatchEvent(new CustomEvent("located", { bubbles: true }));
}

function locate(form) {
  if (!navigator.geolocation) return say(form, "missing");
  say(form, "waiting");
  const options = { enableHighAccuracy: true, timeout: PATIENCE, maximumAge: 60000 };
  navigator.geolocation.getCurrentPosition((place) => found(form, place), (error) => say(form, error.code === 1 ? "denied" : "missing"), options);
}

/* A chip may carry a text template (data-text) and a next step (data-next): used only when the field is empty. */
function suggest(event) {
  const { text, next } = event.target.dataset;
  const form = event.target.form;
  const note = form.elements.namedItem("note") ?? form.elements.namedItem("body");
  if (text && note && !note.value.trim()) note.value = text;
  const choice = next && form.querySelector(`input[name="next"][value="${CSS.escape(next)}"]`);
  if (choice && !form.querySelector('input[name="next"]:checked')) choice.checked = true;
}

/* A list that was asked for before the rep chose does not take the choice away. */
function keepChoice(event) {
  const chosen = event.target.querySelector('input[name="account"]:checked')?.value;
  if (!chosen) return;
  const fresh = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
  if (!fresh.querySelector(`input[value="${CSS.escape(chosen)}"][checked]`)) event.detail.shouldSwap = false;
}

document.querySelector("#customers")?.addEventListener("htmx:beforeSwap", keepChoice);

document.querySelectorAll("form[data-visit]").forEach((form) => {
  locate(form);
  form.addEventListener("change", suggest);
  form.addEventListener("submit", () => fill(form, { device_time: new Date().toISOString() }));
  form.querySelector("[data-locate]")?.addEventListener("click", () => locate(form));
});
