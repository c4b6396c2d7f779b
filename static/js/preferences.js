/* Theme and row height: kept in a cookie so that the server writes the page right at once. */
function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

export function watchPreferences() {
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-set]");
    if (!chosen) return;
    const name = chosen.dataset.set;
    remember(name, chosen.value);
    document.documentElement.dataset[name] = chosen.value;
    document.querySelectorAll(`[data-set="${name}"]`).forEach((one) => one.setAttribute("aria-pressed", String(one.value === chosen.value)));
  });
}
