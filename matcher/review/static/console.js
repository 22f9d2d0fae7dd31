// Zoom and pan of both pictures of a part in step, other views, and keys. Pages work without it.
"use strict";

const STEP = 1.4, MOST = 12, MOVE = 60;
const states = new WeakMap();

function stateOf(part) {
  if (!states.has(part)) states.set(part, { zoom: 1, x: 0, y: 0 });
  return states.get(part);
}

function draw(part) {
  const { zoom, x, y } = stateOf(part);
  for (const image of part.querySelectorAll("img")) {
    image.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
  }
}

function zoom(part, how) {
  const state = stateOf(part);
  if (how === "reset") Object.assign(state, { zoom: 1, x: 0, y: 0 });
  else {
    const next = Math.min(Math.max(state.zoom * (how === "in" ? STEP : 1 / STEP), 1), MOST);
    state.x *= next / state.zoom;
    state.y *= next / state.zoom;
    state.zoom = next;
  }
  draw(part);
}

function pan(part, dx, dy) {
  const state = stateOf(part);
  state.x += dx;
  state.y += dy;
  draw(part);
}

function show(part, view) {
  for (const image of part.querySelectorAll("img")) {
    image.src = `/case/${part.dataset.case}/${part.dataset.part}/${image.dataset.side}/${view}.png`;
  }
  for (const button of part.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
}

function openPart() {
  return document.querySelector("details.part[open]");
}

function otherPart(step) {
  const parts = [...document.querySelectorAll("details.part")];
  if (!parts.length) return;
  const now = parts.indexOf(openPart());
  const next = parts[(now + step + parts.length) % parts.length];
  for (const part of parts) part.open = part === next;
  next.querySelector("summary").focus();
}

function otherView() {
  const part = openPart();
  if (!part) return;
  const buttons = [...part.querySelectorAll("[data-view]")];
  const now = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
  show(part, buttons[(now + 1) % buttons.length].dataset.view);
}

for (const part of document.querySelectorAll("details.part")) {
  part.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.view) show(part, button.dataset.view);
    if (button.dataset.zoom) zoom(part, button.dataset.zoom);
  });
  const pair = part.querySelector(".pair");
  pair.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(part, event.deltaY < 0 ? "in" : "out");
  }, { passive: false });
  pair.addEventListener("pointermove", (event) => {
    if (event.buttons === 1) {
      event.preventDefault();
      pan(part, event.movementX, event.movementY);
    }
  });
  pair.addEventListener("dragstart", (event) => event.preventDefault());
}

const MOVES = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("textarea, input:not([type=radio])")) return;
  const named = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const part = openPart();
  if (named) {
    if (named.type === "radio") {
      named.checked = true;
      named.focus();
    } else named.click();
  } else if (event.key === "j") otherPart(1);
  else if (event.key === "k") otherPart(-1);
  else if (event.key === "v") otherView();
  else if (part && (event.key === "+" || event.key === "=")) zoom(part, "in");
  else if (part && event.key === "-") zoom(part, "out");
  else if (part && event.key === "0") zoom(part, "reset");
  else if (part && event.key in MOVES && stateOf(part).zoom > 1) pan(part, ...MOVES[event.key]);
  else return;
  event.preventDefault();
});
