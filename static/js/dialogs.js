/* Native dialogs and menus: data-dialog="id" opens, data-close closes; what htmx swaps into #dialog opens it. */
function open(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
}

function closeMenus(except) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
}

function clicked(event) {
  const { target } = event;
  closeMenus(target.closest("details.menu"));
  const opener = target.closest("[data-dialog]");
  if (opener) open(document.getElementById(opener.dataset.dialog));
  if (target.closest("[data-close]") || target.matches("dialog[open]")) target.closest("dialog")?.close();
}

function pressed(event) {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  closeMenus();
  menu?.querySelector("summary").focus();
}

export function watchDialogs() {
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog") {
      event.detail.target.setAttribute("aria-labelledby", "dialog-title");
      open(event.detail.target);
    }
  });
  document.addEventListener("closeDialog", () => document.querySelectorAll("dialog[open]").forEach((d) => d.close()));
}
