// Without this file everything works: the theme form posts, and the stylesheet follows the system.
"use strict";

(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => /(?:^|; )gantry_theme=(light|dark)/.exec(document.cookie)?.[1];
  const show = () => {
    const theme = chosen() ?? (system.matches ? "dark" : "light");
    root.classList.toggle("dark", theme === "dark");
    root.classList.toggle("light", theme === "light");
  };
  show();
  system.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme]");
    if (button === null) return;
    event.preventDefault();
    const theme = button.dataset.theme;
    document.cookie = `gantry_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
    show();
    // The button that was pressed disappears: the keyboard goes on with the other one.
    document.querySelector(`button[data-theme="${theme === "dark" ? "light" : "dark"}"]`)?.focus();
  });
})();
