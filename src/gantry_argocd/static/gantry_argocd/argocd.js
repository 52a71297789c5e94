// Only an enhancement: while something changes by itself, the panel is fetched again and swapped
// in place. What is unfolded, focused, typed or scrolled stays. Without it, "Reload" does the same.
(() => {
  "use strict";
  const SOON = 3000;
  const LATE = 60000;
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), summary, [tabindex]";

  const cards = (panel) => [panel, ...panel.querySelectorAll("[data-argo-app]")];
  const key = (part, index) => `${part.dataset.argoApp || ""} ${index}`;

  // Applications may come and go between two answers, so parts are found again by application.
  const collect = (panel, selector) => {
    const found = new Map();
    for (const card of cards(panel)) {
      let index = 0;
      for (const element of card.querySelectorAll(selector)) {
        const owner = element.closest("[data-argo-app]") || panel;
        if (owner === card) found.set(key(card, index++), element);
      }
    }
    return found;
  };

  const keep = (before, after) => {
    for (const [name, details] of collect(before, "details")) {
      const other = collect(after, "details").get(name);
      if (other) other.open = details.open;
    }
    for (const [name, box] of collect(before, ".argo-table-box")) {
      const other = collect(after, ".argo-table-box").get(name);
      if (other) requestAnimationFrame(() => { other.scrollLeft = box.dataset.argoLeft || 0; });
    }
    const inputs = collect(after, "input[type=search]");
    for (const [name, input] of collect(before, "input[type=search]")) {
      if (inputs.has(name)) inputs.get(name).value = input.value;
    }
  };

  const swap = (before, after) => {
    let focused = null;
    for (const [name, element] of collect(before, FOCUSABLE)) {
      if (element === document.activeElement) focused = name;
    }
    for (const box of before.querySelectorAll(".argo-table-box")) {
      box.dataset.argoLeft = box.scrollLeft;
    }
    keep(before, after);
    // The sentence is a live region: it is heard only when its element stays and its text changes.
    const old = before.querySelector(".argo-answer");
    const answer = after.querySelector(".argo-answer");
    if (old && answer) {
      if (old.textContent !== answer.textContent) old.replaceChildren(...answer.childNodes);
      old.className = answer.className;
      answer.replaceWith(old);
    }
    before.replaceWith(after);
    const target = focused && collect(after, FOCUSABLE).get(focused);
    if (target) target.focus({ preventScroll: true });
  };

  const look = async (id, wait) => {
    const before = document.getElementById(id);
    if (!before || !before.hasAttribute("data-argo-live")) return;
    let next = SOON;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const after = page.getElementById(id);
        if (!after) return;
        swap(before, document.adoptNode(after));
      } catch {
        next = Math.min(wait * 2, LATE);
      }
    }
    setTimeout(look, next, id, next);
  };

  for (const panel of document.querySelectorAll("[data-argo-panel]")) {
    setTimeout(look, SOON, panel.id, SOON);
  }
})();
