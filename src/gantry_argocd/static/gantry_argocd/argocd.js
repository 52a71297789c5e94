// Only an enhancement: without this file the page works, and "Reload" shows what is new.
//
// - The panel looks for news of itself and exchanges what has changed, in place.
// - The question before an action is asked in a dialog instead of on a page of the host.
// - Times stay relative to now, and cards stay folded as they were left.
(() => {
  "use strict";
  const SOON = 2000; // while something changes by itself
  const CALM = 15000;
  const LATE = 60000; // longest pause after failures
  const TOLD_AFTER = 2; // failures before it is said
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, summary, [tabindex]";

  // --- times ---

  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const two = (number) => String(number).padStart(2, "0");
  const words = (when) => {
    const seconds = (Date.now() - when) / 1000;
    if (seconds < 60) return "just now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ago`;
    const clock = `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}`;
    return `${MONTHS[when.getUTCMonth()]} ${when.getUTCDate()}, ${clock}`;
  };
  const tick = () => {
    for (const time of document.querySelectorAll(".argo time[datetime]")) {
      const when = new Date(time.dateTime);
      if (!Number.isNaN(when.getTime()) && time.textContent !== words(when)) {
        time.textContent = words(when);
      }
    }
  };

  // --- what is kept when parts are exchanged ---

  const marks = new WeakMap(); // each part as the server drew it
  const drawn = (part) => part.outerHTML
    .replace(/(<time [^>]*>)[^<]*/g, "$1")
    .replace(/<input type="hidden" [^>]*>/g, "");
  const name = (part) => part.id || part.className;
  const remember = (panel) => {
    for (const part of panel.children) marks.set(part, drawn(part));
  };

  // The same thing in both drawings: by what it is called, and which of those it is.
  const collect = (part, selector) => {
    const found = new Map();
    const seen = new Map();
    for (const element of part.querySelectorAll(selector)) {
      const called = [
        element.localName, element.id, element.getAttribute("name"), element.getAttribute("href"),
        element.getAttribute("aria-label"), element.className,
      ].join(" ");
      const number = seen.get(called) || 0;
      seen.set(called, number + 1);
      found.set(`${called} ${number}`, element);
    }
    return found;
  };
  const both = (before, after, selector, keep) => {
    const others = collect(after, selector);
    for (const [key, element] of collect(before, selector)) {
      if (others.has(key)) keep(element, others.get(key));
    }
  };

  const exchange = (before, after) => {
    const boxes = [];
    let focus = null;
    both(before, after, "details", (old, fresh) => { fresh.open = old.open; });
    both(before, after, "input[type=search], select", (old, fresh) => { fresh.value = old.value; });
    both(before, after, ".argo-table-box, pre", (old, fresh) => {
      boxes.push([fresh, old.scrollLeft, old.scrollTop]);
    });
    both(before, after, FOCUSABLE, (old, fresh) => {
      if (old === document.activeElement) focus = [fresh, old.selectionStart, old.selectionEnd];
    });
    before.replaceWith(after);
    for (const [box, left, top] of boxes) box.scrollTo(left, top);
    if (!focus) return;
    const [target, start, end] = focus;
    target.focus({ preventScroll: true });
    if (typeof start === "number") target.setSelectionRange(start, end);
  };

  const tell = (panel, text) => {
    const region = panel.querySelector("[data-argo-say]");
    if (region && region.textContent !== text) region.textContent = text;
  };

  // That something lasts a minute longer is shown and not read out.
  const meaning = (text) => text.replace(/\d+ (s|min|h|d)\b/g, "").replace(/\s+/g, " ").trim();

  const answer = (panel, after) => {
    const [old, fresh] = [panel, after].map((part) => part.querySelector(".argo-answer"));
    if (!old || !fresh) return false;
    const said = fresh.textContent.trim();
    if (meaning(old.textContent) !== meaning(said)) tell(panel, said);
    old.replaceChildren(...fresh.childNodes);
    old.className = fresh.className;
    const counts = [panel, after].map((part) => part.querySelector(".argo-count"));
    if (counts[0] && counts[1]) counts[0].textContent = counts[1].textContent;
    return true;
  };

  // Parts keep their order on the page: nothing jumps away from who reads it.
  const swap = (panel, fresh) => {
    const parts = new Map([...panel.children].map((part) => [name(part), part]));
    let last = null;
    for (const part of [...fresh.children]) {
      const old = parts.get(name(part));
      parts.delete(name(part));
      const mark = drawn(part);
      let now = old;
      if (!old) {
        if (last) last.after(part); else panel.prepend(part);
        now = part;
      } else if (marks.get(old) !== mark) {
        if (!old.classList.contains("argo-top") || !answer(panel, part)) {
          exchange(old, part);
          now = part;
        }
      }
      marks.set(now, mark);
      last = now;
    }
    for (const gone of parts.values()) gone.remove();
    panel.toggleAttribute("data-argo-live", fresh.hasAttribute("data-argo-live"));
    panel.dataset.argoVersion = fresh.dataset.argoVersion;
  };

  // --- looking for news ---

  const address = (panel) => {
    const url = new URL(panel.dataset.argoFragment, location.href);
    for (const [key, value] of new URLSearchParams(location.search)) {
      if (!url.searchParams.has(key)) url.searchParams.append(key, value);
    }
    return url;
  };

  const busy = () => document.querySelector("dialog.argo-dialog[open]") !== null;

  // Gives whether it is worth going on.
  const look = async (panel) => {
    const answer = await fetch(address(panel), {
      credentials: "same-origin",
      headers: { "If-None-Match": `"${panel.dataset.argoVersion}"` },
      redirect: "manual",
      cache: "no-store",
    });
    if (answer.status === 304) return true;
    if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) return false;
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(panel.id);
    if (!fresh) return false;
    if (!busy()) swap(panel, document.adoptNode(fresh));
    return true;
  };

  const watch = (panel) => {
    let failures = 0;
    let timer = 0;
    const later = () => {
      const calm = panel.hasAttribute("data-argo-live") ? SOON : CALM;
      timer = setTimeout(now, failures ? Math.min(calm * 2 ** failures, LATE) : calm);
    };
    const now = async () => {
      clearTimeout(timer);
      if (document.hidden || !panel.isConnected) return;
      try {
        if (!(await look(panel))) {
          tell(panel, "This page no longer updates itself. Reload it, or sign in again.");
          return;
        }
        if (failures >= TOLD_AFTER) tell(panel, "Updates work again.");
        failures = 0;
      } catch {
        failures += 1;
        if (failures === TOLD_AFTER) tell(panel, "Updates fail at the moment; trying again.");
      }
      later();
    };
    document.addEventListener("visibilitychange", () => { if (!document.hidden) now(); });
    panel.addEventListener("click", (event) => {
      const link = event.target.closest("[data-argo-reload]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      panel.dataset.argoVersion = "";
      now().then(() => tell(panel, "Reloaded."));
    });
    later();
  };

  // --- questions ---

  const element = (kind, className, text) => {
    const made = document.createElement(kind);
    made.className = className;
    made.textContent = text;
    return made;
  };

  // The answer is a redirect, and browsers keep the fragment on the way: the page is shown again
  // where somebody pressed the button.
  const comeBack = (form) => {
    const card = form.closest("[data-argo-app]");
    if (!card) return;
    // form.action is the field of that name.
    const url = new URL(form.getAttribute("action"), location.href);
    url.hash = card.id;
    form.setAttribute("action", url.href);
  };

  const show = (form) => {
    comeBack(form);
    const button = form.querySelector("[data-argo-busy]");
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    button.querySelector("span").textContent = button.dataset.argoBusy;
  };

  const send = (form, fields) => {
    show(form);
    for (const [key, value] of fields) {
      const old = form.querySelector(`input[type=hidden][name="${CSS.escape(key)}"]`);
      const field = old || document.createElement("input");
      field.type = "hidden";
      field.name = key;
      field.value = value;
      if (!old) form.append(field);
    }
    form.submit();
  };

  const ask = (form, confirmed) => {
    const from = document.activeElement;
    const dialog = element("dialog", "argo argo-dialog", "");
    const title = element("h2", "", form.dataset.argoQuestion);
    const text = element("p", "argo-text", form.dataset.argoConsequence);
    const buttons = element("div", "argo-dialog-buttons", "");
    title.id = "argo-dialog-title";
    text.id = "argo-dialog-text";
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.setAttribute("aria-describedby", text.id);
    const add = (look, label, run) => {
      const button = element("button", `argo-button argo-button--${look}`, label);
      button.type = "button";
      button.addEventListener("click", run);
      buttons.append(button);
      return button;
    };
    const cancel = add("plain", "Cancel", () => dialog.close());
    if (form.dataset.argoRehearsal) {
      const rehearse = [["action", form.dataset.argoRehearsal]];
      add("plain", form.dataset.argoRehearsalLabel, () => send(form, rehearse));
    }
    add("danger", form.dataset.argoLabel.replace(/…$/, ""), () => send(form, confirmed));
    dialog.append(title, text, buttons);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (from instanceof HTMLElement) from.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const panel = form.closest("[data-argo-panel]");
    if (!panel || form.method !== "post") return;
    const confirmed = [...new URLSearchParams(panel.dataset.argoConfirmed)];
    if (form.dataset.argoQuestion && confirmed.length) {
      event.preventDefault();
      ask(form, confirmed);
      return;
    }
    if (form.dataset.argoSent) {
      event.preventDefault(); // the second click of a double click
      return;
    }
    form.dataset.argoSent = "1";
    show(form);
  });

  // --- menus ---

  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll("[data-argo-menu][open]")) {
      if (menu !== but) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("[data-argo-menu]"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("[data-argo-menu][open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  });

  // --- what was folded stays folded ---

  const shelf = `argo ${location.pathname}`;
  const folded = () => {
    try {
      return JSON.parse(sessionStorage.getItem(shelf) || "{}");
    } catch {
      return {};
    }
  };
  const restore = () => {
    const kept = folded();
    for (const details of document.querySelectorAll("[data-argo-keep]")) {
      const app = details.closest("[data-argo-app]").dataset.argoApp;
      if (typeof kept[app] === "boolean") details.open = kept[app];
    }
  };
  // Only what somebody folded is kept: what opens by itself has become a problem.
  document.addEventListener("click", (event) => {
    const details = event.target.closest("summary")?.parentElement;
    if (!details?.matches("[data-argo-keep]")) return;
    const app = details.closest("[data-argo-app]").dataset.argoApp;
    try {
      sessionStorage.setItem(shelf, JSON.stringify({ ...folded(), [app]: !details.open }));
    } catch {
      // Without storage nothing is kept, and nothing else is lost.
    }
  });
  const showTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const card = target?.closest?.("[data-argo-app]");
    const details = card?.querySelector("[data-argo-keep]");
    if (details && !details.open) details.open = true;
  };

  for (const panel of document.querySelectorAll("[data-argo-panel]")) {
    remember(panel);
    if (panel.dataset.argoFragment) watch(panel);
  }
  restore();
  showTarget();
  window.addEventListener("hashchange", showTarget);
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  tick();
  setInterval(tick, 20000);
})();
