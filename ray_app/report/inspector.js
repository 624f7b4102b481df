// Stepping through a trace: the current line is marked, and the variables of its frame are shown as they then are.
// `#step=7` in the address starts there. Everything is read from the table of the page; texts are only ever set as text.
"use strict";
(() => {
  const stepper = document.querySelector(".stepper");
  const steps = [...document.querySelectorAll(".trace tr[data-line]")];
  if (!stepper || !steps.length) return;
  const slider = stepper.querySelector("input");
  const panel = document.querySelector(".variables");
  const changes = steps.map((row) => [...row.querySelectorAll(".change")].map((change) => ({
    name: change.querySelector("b").textContent,
    value: change.querySelector("span")?.textContent ?? null,
  })));
  let at = -1;

  // The variables of the frame of step `last`, after it; and which of them that step changed.
  function variables(last) {
    const frame = steps[last].dataset.frame, held = new Map();
    for (let i = 0; i <= last; i++) {
      if (steps[i].dataset.frame !== frame) continue;
      for (const { name, value } of changes[i]) value === null ? held.delete(name) : held.set(name, value);
    }
    return { held, changed: new Set(changes[last].map((change) => change.name)) };
  }

  function show(step) {
    at = Math.max(0, Math.min(steps.length - 1, step));
    document.querySelectorAll(".now").forEach((row) => row.classList.remove("now"));
    const row = steps[at], line = document.getElementById(`r1-${row.dataset.line}`);
    row.classList.add("now");
    if (line) line.classList.add("now");
    for (const target of [row, line]) reveal(target);
    slider.value = at;
    stepper.querySelector("output").textContent = `step ${at + 1} of ${steps.length}, line ${row.dataset.line}`;
    const { held, changed } = variables(at);
    panel.querySelector("small").textContent = `of ${row.dataset.function}, after this step`;
    panel.querySelector("table").replaceChildren(...[...held].map(([name, value]) => {
      const entry = document.createElement("tr");
      if (changed.has(name)) entry.className = "changed";
      entry.append(cell("th", name), cell("td", value));
      return entry;
    }));
  }

  function cell(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  // Scroll the pane, never the page.
  function reveal(row) {
    const pane = row?.closest(".pane");
    if (!pane) return;
    const outer = pane.getBoundingClientRect(), inner = row.getBoundingClientRect();
    if (inner.top < outer.top + 24) pane.scrollTop -= outer.top + 24 - inner.top;
    if (inner.bottom > outer.bottom) pane.scrollTop += inner.bottom - outer.bottom;
  }

  const go = { first: () => 0, back: () => at - 1, on: () => at + 1, last: () => steps.length - 1 };
  slider.max = steps.length - 1;
  slider.addEventListener("input", () => show(Number(slider.value)));
  stepper.addEventListener("click", (event) => go[event.target.dataset.go] && show(go[event.target.dataset.go]()));
  steps.forEach((row, index) => row.addEventListener("click", () => show(index)));
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      show(at + (event.key === "ArrowRight" ? 1 : -1));
    }
  });
  stepper.hidden = panel.hidden = false;
  show(Number(/^#step=(\d+)$/.exec(location.hash)?.[1] ?? 1) - 1);
})();
