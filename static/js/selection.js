/* Rows ticked in a list: tick all, count them, clear them. The bar itself shows by CSS. */
const rows = (form) => [...form.querySelectorAll('input[name="ids"]')];

function count(form) {
  const chosen = rows(form).filter((box) => box.checked).length;
  form.querySelectorAll("[data-selected]").forEach((label) => {
    label.textContent = chosen === 1 ? label.dataset.one : label.dataset.many.replace("{n}", chosen);
  });
  form.querySelectorAll("[data-select-all]").forEach((all) => {
    all.checked = chosen > 0 && chosen === rows(form).length;
    all.indeterminate = chosen > 0 && !all.checked;
  });
}

function tick(form, on) {
  rows(form).forEach((box) => (box.checked = on));
  count(form);
}

export function watchSelections() {
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form) return;
    if (event.target.matches("[data-select-all]")) tick(form, event.target.checked);
    else if (event.target.name === "ids") count(form);
  });
  document.addEventListener("click", (event) => {
    const none = event.target.closest("[data-select-none]");
    if (none) tick(none.form, false);
  });
}
