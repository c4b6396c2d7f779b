/* The reconcile desk by keyboard. Keys act only while the desk has the focus, never while somebody types. */
const WAIT = 120; // milliseconds before proposals of a passed line are asked for
let waiting = 0;

const desk = () => document.querySelector("[data-desk]");
const lines = () => [...desk().querySelectorAll("[data-line]")];
const current = () => desk().querySelector("[data-line][aria-current]") || lines()[0];
const chosen = () => desk().querySelector("[data-proposal][aria-current]") || desk().querySelector("[data-proposal]");

function mark(all, one) {
  all.forEach((item) => item.removeAttribute("aria-current"));
  one?.setAttribute("aria-current", "true");
}

function step(by) {
  const all = lines();
  const next = all[Math.min(Math.max(all.indexOf(current()) + by, 0), all.length - 1)];
  if (!next) return;
  mark(all, next);
  next.focus();
  clearTimeout(waiting);
  waiting = setTimeout(() => next.click(), WAIT);
}

function choose(number) {
  const all = [...desk().querySelectorAll("[data-proposal]")];
  if (!all[number - 1]) return;
  mark(all, all[number - 1]);
  all[number - 1].scrollIntoView({ block: "nearest" });
}

function tick() {
  const box = current()?.closest("li").querySelector("input[type=checkbox]");
  if (box) box.checked = !box.checked;
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => chosen()?.querySelector("[data-accept]").requestSubmit(),
  s: () => (chosen() || desk()).querySelector("[data-split]")?.click(),
  p: () => chosen()?.querySelector("[data-part]")?.click(),
  a: () => chosen()?.querySelector("[data-on-account]")?.click(),
  u: () => desk().querySelector("[data-undo]")?.requestSubmit(),
  x: tick,
  "?": () => document.getElementById(desk().dataset.help)?.showModal(),
};

function act(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (!desk() || typing || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!event.target.closest("[data-desk]") || document.querySelector("dialog[open]")) return;
  if (key === "Enter" && !event.target.closest("[data-line], [data-desk]:focus")) return;
  const does = /^[1-8]$/.test(key) ? () => choose(Number(key)) : KEYS[key];
  if (!does) return;
  event.preventDefault();
  does();
}

/* Cents as whole numbers: sums of money are exact. */
function cents(text) {
  const [whole, fraction = ""] = text.trim().split(".");
  return /^\d*$/.test(whole + fraction) && whole + fraction ? BigInt(whole || 0) * 100n + BigInt((fraction + "00").slice(0, 2)) : 0n;
}

function written(amount) {
  const digits = String(amount < 0n ? -amount : amount).padStart(3, "0");
  return `${amount < 0n ? "−" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function recount(form) {
  const part = form.querySelector("[name=amount]");
  const used = [...form.querySelectorAll("[data-share]")].reduce((sum, field) => sum + cents(field.value), 0n);
  const output = form.querySelector("[data-to-allocate]");
  if (output) output.textContent = written(cents(part?.value || form.dataset.amount) - used);
}

function arrive(root) {
  root.querySelectorAll("[data-split-form]").forEach((form) => {
    recount(form);
    const fields = ["[data-focus]", "[data-share]", ".picker input", "select"].map((what) => form.querySelector(what));
    const first = fields.find(Boolean);
    if (desk()) first?.focus();
    if (desk() && first?.matches("[data-share]")) first.select();
  });
  if (root.matches?.("[data-desk]")) current()?.focus({ preventScroll: true });
}

/* Escape leaves the split for the proposals of the same line. */
function leave(event) {
  if (event.key !== "Escape" || event.defaultPrevented || !desk() || !event.target.closest("[data-split-form]")) return;
  current()?.click();
  current()?.focus();
}

document.addEventListener("keydown", act);
document.addEventListener("keydown", leave);
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-split-form]");
  if (form) recount(form);
});
document.addEventListener("click", (event) => {
  const line = event.target.closest?.("[data-line]");
  if (line) mark(lines(), line);
  const proposal = event.target.closest?.("[data-proposal]");
  if (proposal) mark([...desk().querySelectorAll("[data-proposal]")], proposal);
});
document.addEventListener("htmx:afterSettle", (event) => {
  const { target } = event.detail;
  if (target.id === "candidates" && matchMedia("(max-width: 900px)").matches) target.scrollIntoView({ block: "start" });
  arrive(document.getElementById(target.id) || target);
});
if (desk()) arrive(desk());
document.querySelectorAll("[data-split-form]").forEach((form) => recount(form));
