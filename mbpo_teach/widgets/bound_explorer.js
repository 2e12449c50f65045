// The bound explorer: theorems 4.1, 4.2 and 4.3 and k*, computed and drawn in the browser.
//
// The same file serves the notebook (as an anywidget) and a static page without a kernel: all it
// needs of its `model` is get, set, save_changes, on and off. The model holds
//   values  {gamma, r_max, eps_m, eps_m_prime, eps_pi, k}
//   words   the catalogue's explorer.* and panel.* entries in one language, and what else
//           controls.js asks of words
// and `start`, `settings`, `plays` and `lang` as in controls.js. The formulas mirror mbpo_teach/theory/bounds.py term by term; a test compares the two over a grid.

import { element, fill, isDark, panel, watchPage } from "./controls.js";

// ---------------------------------------------------------------- the theorems

/** C of theorem 4.1: the true return is at least the model return minus C. */
export function performanceBound({ gamma, r_max, eps_m, eps_pi }) {
  return r_max * ((2 * (gamma * eps_m + 2 * eps_pi)) / (1 - gamma) ** 2);
}

/** C's two terms: model error and policy shift together, then policy shift alone. */
export function boundTerms({ gamma, r_max, eps_m, eps_pi }) {
  return [
    r_max * ((2 * gamma * (eps_m + 2 * eps_pi)) / (1 - gamma) ** 2),
    r_max * ((4 * eps_pi) / (1 - gamma)),
  ];
}

/** Theorem 4.2's penalty, with the model error of the data-collecting policy. */
export function branchedPenalty(k, { gamma, r_max, eps_m, eps_pi }) {
  const shift =
    (gamma ** (k + 1) * eps_pi) / (1 - gamma) ** 2 + ((gamma ** k + 2) * eps_pi) / (1 - gamma);
  return r_max * (2 * (shift + (k * (eps_m + 2 * eps_pi)) / (1 - gamma)));
}

/** Theorem 4.3's penalty, with the model error of the current policy. */
export function branchedPenaltyOnPolicy(k, { gamma, r_max, eps_m_prime, eps_pi }) {
  const shift = (gamma ** k * eps_pi) / (1 - gamma) ** 2;
  return r_max * (2 * (shift + (k * eps_m_prime) / (1 - gamma)));
}

/** Theorem 4.3's penalty with the exact sum of gamma^t min(t, k); at k = 0 it is theorem 4.3's. */
export function branchedPenaltyTight(k, { gamma, r_max, eps_m_prime, eps_pi }) {
  const left = gamma ** k;
  const bracket = k === 0 ? eps_pi : gamma * (left * eps_pi + (1 - left) * eps_m_prime);
  return r_max * ((2 * bracket) / (1 - gamma) ** 2);
}

/** The penalty of whole rollouts with the same eps_m_prime: the tight variant without end. */
export function wholeRolloutPenalty({ gamma, r_max, eps_m_prime }) {
  return r_max * ((2 * gamma * eps_m_prime) / (1 - gamma) ** 2);
}

/** k*, where theorem 4.3's penalty is smallest; Infinity where longer is always better. */
export function bestRolloutLength({ gamma, eps_m_prime, eps_pi }) {
  if (eps_m_prime >= eps_pi) return 0;
  if (gamma === 0) return 1;
  if (eps_m_prime === 0) return Infinity;
  return Math.ceil((Math.log(eps_m_prime) - Math.log(eps_pi)) / Math.log(gamma));
}

/** The largest difference that two returns can have: a larger penalty says nothing. */
export function trivialLevel({ gamma, r_max }) {
  return (2 * r_max) / (1 - gamma);
}

const ON_THE_LINE = 1 - 1e-12; // decimals such as 0.95 are not exact

/** Does theorem 4.1 say nothing? */
export function isVacuous({ gamma, eps_m, eps_pi }) {
  return gamma * eps_m + 2 * eps_pi >= (1 - gamma) * ON_THE_LINE;
}

/** Does a bound with this penalty say nothing? */
export function penaltyIsVacuous(penalty, { gamma, r_max }) {
  return penalty >= trivialLevel({ gamma, r_max }) * ON_THE_LINE;
}

/** The policy shift from which theorem 4.1 says nothing; negative if even no shift is too much. */
export function vacuityThreshold({ gamma, eps_m }) {
  return (1 - gamma - gamma * eps_m) / 2;
}

// ---------------------------------------------------------------- numbers in words

/** Four significant digits, whole numbers from 1000 on: 0.3197, 41.8, 5,980. */
export function format(x) {
  if (x === Infinity) return "∞";
  if (x >= 1000) return Math.round(x).toLocaleString("en-US");
  if (x > 0 && x < 1e-4) return "<0.0001";
  return String(Number(x.toPrecision(4)));
}

/** Everything the picture shows, as numbers; `least` is theorem 4.3's penalty at k*. */
export function numbers(values) {
  const [first, second] = boundTerms(values);
  const best = bestRolloutLength(values);
  const trivial = trivialLevel(values);
  const bound = performanceBound(values);
  const least = best === Infinity ? 0 : branchedPenaltyOnPolicy(best, values);
  const whole = wholeRolloutPenalty(values);
  return {
    bound, first, second, trivial, best, least, whole,
    ratio: bound / trivial,
    least_ratio: least / trivial,
    threshold: vacuityThreshold(values),
    branched: branchedPenalty(values.k, values),
    on_policy: branchedPenaltyOnPolicy(values.k, values),
    tight: branchedPenaltyTight(values.k, values),
    whole_ratio: whole / trivial,
  };
}

/** The live sentence and the other numbers: the same as figures/explorer.py's. */
export function sentences(values, words) {
  const shown = { ...values, ...numbers(values) };
  const first = [
    "say_bound",
    isVacuous(values) ? "say_vacuous" : "say_informative",
    shown.best === Infinity
      ? "say_endless"
      : penaltyIsVacuous(shown.least, values) ? "say_best_vacuous" : "say_best",
  ];
  const more = [values.k === 0 ? "say_penalties_zero" : "say_penalties", "say_whole"];
  const said = Object.fromEntries(Object.entries(shown).map(([name, x]) => [name, format(x)]));
  // Chinese sentences follow each other without a space.
  const between = words.lang === "zh" ? "" : " ";
  return [first, more].map((keys) => keys.map((key) => fill(words[key], said)).join(between));
}

// ---------------------------------------------------------------- sliders

// Stops with two digits, about evenly spaced on a logarithmic scale: 1, 1.1, ... 2, 2.2, ... 9.5.
const DIGITS = [
  ...Array.from({ length: 10 }, (_, i) => 10 + i),
  ...Array.from({ length: 15 }, (_, i) => 20 + 2 * i),
  ...Array.from({ length: 10 }, (_, i) => 50 + 5 * i),
];
const decade = (exponent) => DIGITS.map((digits) => Number(`${digits}e${exponent - 1}`));
const range = (from, to, by) => {
  const count = Math.round((to - from) / by) + 1;
  return Array.from({ length: count }, (_, i) => from + i * by);
};

const EPSILONS = [0, ...decade(-3), ...decade(-2), ...decade(-1), 1];
const GAMMAS = [...range(0, 750, 50), ...range(800, 940, 10), ...range(950, 995, 5)];
export const LONGEST = 100;

/** The values on each slider's stops. A number box takes any value between the outer two. */
export const STOPS = {
  eps_pi: EPSILONS,
  eps_m: EPSILONS,
  gamma: GAMMAS.map((thousandths) => thousandths / 1000),
  r_max: [...decade(-1), ...decade(0), 10],
  eps_m_prime: EPSILONS,
  k: range(0, LONGEST, 1),
};

const CONTROLS = Object.entries(STOPS).map(([name, stops]) => (
  { name, kind: "slider", stops, whole: name === "k" }
));

// ---------------------------------------------------------------- small tools for the page

const SVG = "http://www.w3.org/2000/svg";
const INK = "var(--ink)";
const PAPER = "var(--paper)";
// Okabe and Ito's colours, on dark paper lighter ones, as in figures/style.py.
const [ORANGE, SKY, GREEN, BLUE, RED] = ["ORANGE", "SKY", "GREEN", "BLUE", "RED"].map((name) => `var(--${name})`);

const DRAWN = `
.mbpo-explorer { --ORANGE: #E69F00; --SKY: #56B4E9; --GREEN: #009E73; --BLUE: #0072B2; --RED: #D55E00; }
.mbpo-explorer.dark { --GREEN: #12B886; --BLUE: #4C9FE0; --RED: #F0743A; }
.mbpo-explorer svg { display: block; width: 100%; }
.mbpo-explorer svg text { fill: ${INK}; font-size: 13px; }
.mbpo-explorer svg .strong { font-weight: 600; }
.mbpo-explorer svg .halo { paint-order: stroke; stroke: ${PAPER}; stroke-width: 4px;
  stroke-linejoin: round; }
`;

function draw(parent, tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  set(made, attributes);
  parent.append(made);
  return made;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Put `words` into an SVG node, with "x_y" as x and a subscript y; return the node. */
function lettered(node, words) {
  node.replaceChildren();
  words.split(/_(max|m′|m|π)/).forEach((part, i) => {
    const lowered = i % 2 === 1;
    // Chromium and Firefox agree on dy, not on baseline-shift.
    draw(node, "tspan", {
      dy: lowered ? 3.5 : i > 0 ? -3.5 : 0,
      ...(lowered && { "font-size": "85%" }),
    }).textContent = part;
  });
  return node;
}

// ---------------------------------------------------------------- the picture

// Both panels measure in multiples of the trivial level. Below 1, where a bound says something,
// the axis is linear; the vacuous region above 1 is logarithmic and ends beyond the largest value
// that the sliders can reach (599), so that no curve ever leaves the picture.
const TOP = 1000;
const LINEAR_SHARE = 0.6;
const up = (ratio) =>
  ratio <= 1
    ? LINEAR_SHARE * ratio
    : LINEAR_SHARE + ((1 - LINEAR_SHARE) * Math.log(Math.min(ratio, TOP))) / Math.log(TOP);

// Policy shift: logarithmic, but through zero.
const SHIFT_UNIT = 0.001;
const along = (shift) => Math.asinh(shift / SHIFT_UNIT) / Math.asinh(1 / SHIFT_UNIT);
const shiftAt = (share) => SHIFT_UNIT * Math.sinh(share * Math.asinh(1 / SHIFT_UNIT));
const SHIFTS = Array.from(
  { length: 97 },
  (_, i) => shiftAt(i / 96),
);

const PLOT_HEIGHT = 290;
const ABOVE = 68; // title, key, labels of the markers
const BELOW = 46; // tick labels, name of the axis
const LEFT = 54;
const RIGHT = 100; // names of the curves

const CURVES = [
  { name: "on_policy", color: BLUE, dash: "none", from: 0, penalty: branchedPenaltyOnPolicy },
  { name: "branched", color: RED, dash: "7 4", from: 0, penalty: branchedPenalty },
  { name: "tight", color: GREEN, dash: "9 3 2 3", from: 1, penalty: branchedPenaltyTight },
  { name: "whole", color: ORANGE, dash: "2 3", from: 0, penalty: (_, values) => wholeRolloutPenalty(values) },
];

/** Build the picture for a width; return its node and a function that shows new values. */
function picture(width, words) {
  const sideBySide = width >= 720;
  const room = sideBySide ? (width - 2 * LEFT - RIGHT - 30) / 2 : width - LEFT - RIGHT;
  const panelHeight = ABOVE + PLOT_HEIGHT + BELOW;
  const height = sideBySide ? panelHeight : 2 * panelHeight + 8;
  const svg = document.createElementNS(SVG, "svg");
  set(svg, { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": words.picture });
  const left = shiftPanel(draw(svg, "g", { transform: `translate(${LEFT} ${ABOVE})` }), room, words);
  const at = sideBySide ? [2 * LEFT + room + 30, ABOVE] : [LEFT, panelHeight + 8 + ABOVE];
  const right = lengthPanel(draw(svg, "g", { transform: `translate(${at.join(" ")})` }), room, words);

  function show(values) {
    const shown = numbers(values);
    const trivial = shown.trivial;
    left(values, shown, trivial);
    right(values, shown, trivial);
    svg.dataset.state = JSON.stringify(values);
    svg.dataset.numbers = JSON.stringify(shown); // JSON writes infinity as null
  }
  return { svg, show };
}

const y = (ratio) => PLOT_HEIGHT * (1 - up(ratio));
const line = (points) => "M" + points.map(([x, h]) => `${x.toFixed(2)} ${h.toFixed(2)}`).join("L");

/** Axes, ticks, the vacuous region and the title: what does not move. */
function frame(panel, room, { title, axis, ticks, place }, words) {
  draw(panel, "rect", { width: room, height: y(1), fill: INK, "fill-opacity": 0.07 });
  for (const ratio of [0.25, 0.5, 0.75]) {
    draw(panel, "path", { d: `M0 ${y(ratio)}H${room}`, stroke: INK, "stroke-opacity": 0.12 });
  }
  const quiet = { stroke: INK, fill: "none" };
  draw(panel, "path", { d: `M0 0V${PLOT_HEIGHT}H${room}`, ...quiet });
  draw(panel, "path", { d: `M0 ${y(1)}H${room}`, ...quiet, "stroke-dasharray": "2 3" });
  for (const ratio of [0, 0.25, 0.5, 0.75, 1, 10, 100, 1000]) {
    draw(panel, "path", { d: `M-4 ${y(ratio)}h4`, ...quiet });
    draw(panel, "text", { x: -7, y: y(ratio) + 4, "text-anchor": "end" }).textContent = `${ratio}×`;
  }
  for (const tick of ticks) {
    draw(panel, "path", { d: `M${place(tick)} ${PLOT_HEIGHT}v4`, ...quiet });
    const spot = { x: place(tick), y: PLOT_HEIGHT + 18, "text-anchor": "middle" };
    draw(panel, "text", spot).textContent = tick;
  }
  const below = { x: room / 2, y: PLOT_HEIGHT + 38, "text-anchor": "middle" };
  lettered(draw(panel, "text", below), words[axis]);
  lettered(draw(panel, "text", { x: -LEFT + 4, y: -52, class: "strong" }), words[title]);
}

/** C's two terms, one on the other, against policy shift. */
function shiftPanel(panel, room, words) {
  const place = (shift) => room * along(shift);
  frame(panel, room, { title: "left", axis: "shift_axis", ticks: room < 280 ? [0, 0.01, 0.1, 1] : [0, 0.001, 0.01, 0.1, 1], place }, words);
  const key = draw(panel, "text", { x: -LEFT + 4, y: -33 });
  for (const [color, name, gap] of [[ORANGE, "first_term", ""], [SKY, "second_term", "  "]]) {
    const square = draw(key, "tspan", { style: `fill: ${color}; white-space: pre` });
    square.textContent = `${gap}■ `;
    draw(key, "tspan").textContent = words[name];
  }
  const lower = draw(panel, "path", { fill: SKY, "fill-opacity": 0.75 });
  const upper = draw(panel, "path", { fill: ORANGE, "fill-opacity": 0.75 });
  const between = draw(panel, "path", { fill: "none", stroke: INK, "stroke-dasharray": "3 3" });
  const total = draw(panel, "path", { fill: "none", stroke: INK, "stroke-width": 2 });
  const edge = draw(panel, "path", { stroke: INK, "stroke-dasharray": "2 3" });
  const here = draw(panel, "path", { stroke: INK, "stroke-width": 1.5 });
  // Words come last: lines pass behind them.
  const edgeLabel = draw(panel, "text", { y: PLOT_HEIGHT - 7, class: "halo" });
  const level = draw(panel, "text", { x: 6, y: y(1) - 6, class: "halo" });
  draw(panel, "text", { x: 6, y: 15, class: "halo" }).textContent = words.vacuous;
  const dot = draw(panel, "circle", { r: 5, fill: INK, "data-mark": "bound" });
  const hereLabel = draw(panel, "text", { y: -8, class: "strong" });
  let held;
  readOut(panel, room, (share) => {
    const eps_pi = Number(shiftAt(share).toPrecision(2));
    const bound = performanceBound({ ...held, eps_pi });
    const ratio = format(bound / trivialLevel(held));
    return [place(eps_pi), fill(words.here, { eps_pi, bound: format(bound), ratio })];
  });

  return (values, shown) => {
    held = values;
    const { trivial, threshold } = shown;
    const heights = SHIFTS.map((eps_pi) => {
      const [first, second] = boundTerms({ ...values, eps_pi });
      return [place(eps_pi), y(second / trivial), y((first + second) / trivial)];
    });
    const bottom = heights.map(([x, second]) => [x, second]);
    const top = heights.map(([x, , sum]) => [x, sum]);
    lower.setAttribute("d", `${line(bottom)}V${PLOT_HEIGHT}H0Z`);
    upper.setAttribute("d", `${line([...top, ...bottom.toReversed()])}Z`);
    between.setAttribute("d", line(bottom));
    total.setAttribute("d", line(top));

    const crosses = threshold > 0;
    const x = place(Math.max(threshold, 0));
    edge.setAttribute("d", crosses ? `M${x} ${y(1)}V${PLOT_HEIGHT}` : "");
    set(edgeLabel, beside(x, room));
    lettered(edgeLabel, crosses ? fill(words.threshold, { threshold: format(threshold) }) : "");
    lettered(level, fill(words.trivial, { trivial: format(trivial) }));

    const now = place(values.eps_pi);
    here.setAttribute("d", `M${now} -4V${PLOT_HEIGHT}`);
    set(dot, { cx: now, cy: y(shown.ratio) });
    set(hereLabel, beside(now, room, 0));
    const { eps_pi } = values;
    const said = { eps_pi, bound: format(shown.bound), ratio: format(shown.ratio) };
    lettered(hereLabel, fill(words.here, said));
  };
}

/** The penalties of theorems 4.2 and 4.3, the tight variant and whole rollouts against k. */
function lengthPanel(panel, room, words) {
  const place = (k) => (room * k) / LONGEST;
  frame(panel, room, { title: "right", axis: "length_axis", ticks: [0, 20, 40, 60, 80, 100], place }, words);
  const bestLine = draw(panel, "path", { stroke: BLUE, "stroke-dasharray": "3 3" });
  const nowLine = draw(panel, "path", { stroke: INK, "stroke-width": 1.5 });
  // The solid curve lies lowest, so that dashes show where two curves are one.
  const curves = CURVES.map(({ name, color, dash }) => ({
    path: draw(panel, "path", {
      fill: "none", stroke: color, "stroke-width": 2.5, "stroke-dasharray": dash,
    }),
    leader: draw(panel, "path", { fill: "none", stroke: color }),
    label: lettered(draw(panel, "text", { x: room + 14 }), words[name]),
    dot: draw(panel, "circle", { r: 4.5, fill: color, "data-mark": name }),
  }));
  const star = draw(panel, "path", {
    d: "M0 -7L7 0L0 7L-7 0Z", fill: PAPER, stroke: BLUE, "stroke-width": 2, "data-mark": "best",
  });
  // In a narrow panel these words run on over the names of the curves, which lie lower.
  const corner = room < 280
    ? { x: 6, y: 15, class: "halo" }
    : { x: room - 6, y: 15, "text-anchor": "end", class: "halo" };
  draw(panel, "text", corner).textContent = words.vacuous;
  const bestLabel = draw(panel, "text", { y: -25 });
  const nowLabel = draw(panel, "text", { y: -8, class: "strong" });
  let held;
  readOut(panel, room, (share) => {
    const k = Math.round(share * LONGEST);
    const ratio = format(branchedPenaltyOnPolicy(k, held) / trivialLevel(held));
    return [place(k), fill(words.here_k, { k, ratio })];
  });

  return (values, shown) => {
    held = values;
    const { trivial, best } = shown;
    const ends = CURVES.map(({ penalty, from }, i) => {
      const points = [];
      for (let k = from; k <= LONGEST; k++) points.push([place(k), y(penalty(k, values) / trivial)]);
      curves[i].path.setAttribute("d", line(points));
      return points[points.length - 1][1];
    });
    apart(ends, 16).forEach((spot, i) => {
      curves[i].leader.setAttribute("d", `M${room + 1} ${ends[i]}L${room + 11} ${spot}`);
      curves[i].label.setAttribute("y", spot + 4);
    });
    CURVES.forEach(({ name, from }, i) => {
      const spot = { cx: place(values.k), cy: y(shown[name] / trivial) };
      set(curves[i].dot, { ...spot, visibility: values.k < from ? "hidden" : "visible" });
    });

    // k* beyond the axis, or infinite, is named at the edge with an arrow, not drawn on it.
    const onAxis = best <= LONGEST;
    const x = place(Math.min(best, LONGEST));
    bestLine.setAttribute("d", onAxis ? `M${x} -4V${PLOT_HEIGHT}` : "");
    set(star, {
      transform: `translate(${x} ${y(shown.least_ratio)})`,
      visibility: onAxis ? "visible" : "hidden",
    });
    const there = { best, ratio: format(shown.least_ratio) };
    set(bestLabel, beside(x, room, 0)).textContent =
      onAxis ? fill(words.here_best, there) : `k* = ${format(best)} →`;
    nowLine.setAttribute("d", `M${place(values.k)} -4V${PLOT_HEIGHT}`);
    const said = { k: values.k, ratio: format(shown.on_policy / trivial) };
    set(nowLabel, beside(place(values.k), room, 0)).textContent = fill(words.here_k, said);
  };
}

/** A thin line under the pointer and, at its foot, what `read(share of the axis)` says there. */
function readOut(panel, room, read) {
  const rule = draw(panel, "path", { stroke: INK, "stroke-dasharray": "1 3" });
  const label = draw(panel, "text", { y: PLOT_HEIGHT - 24, class: "halo", "data-mark": "read" });
  const area = draw(panel, "rect", { width: room, height: PLOT_HEIGHT, fill: "transparent" });
  area.addEventListener("pointermove", (event) => {
    const { left, width } = area.getBoundingClientRect();
    const [x, said] = read(Math.min(Math.max((event.clientX - left) / width, 0), 1));
    rule.setAttribute("d", `M${x} 0V${PLOT_HEIGHT}`);
    set(label, beside(x, room));
    lettered(label, said);
  });
  area.addEventListener("pointerleave", () => {
    rule.setAttribute("d", "");
    label.replaceChildren();
  });
}

/** Where to put words about a vertical line at x so that they stay inside the panel. */
function beside(x, room, gap = 6) {
  return x > room / 2
    ? { x: x - gap, "text-anchor": "end" }
    : { x: x + gap, "text-anchor": "start" };
}

/** Move labels at the given heights at least `gap` apart, keeping their order. */
function apart(heights, gap) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const spots = [...heights];
  for (let n = 1; n < order.length; n++) {
    spots[order[n]] = Math.max(spots[order[n]], spots[order[n - 1]] + gap);
  }
  // If that pushed the lowest below the axis, push back up from there.
  let floor = PLOT_HEIGHT;
  for (const i of order.toReversed()) {
    spots[i] = Math.min(spots[i], floor);
    floor = spots[i] - gap;
  }
  return spots;
}

// ---------------------------------------------------------------- the widget

function render({ model, el }) {
  const lab = panel({ model, el, controls: CONTROLS, move, label: "mbpo-explorer" });
  lab.root.prepend(element("style", {}, [DRAWN]));
  let drawn, words;

  function move(patch) {
    model.set("values", { ...model.get("values"), ...patch });
    model.save_changes();
    show();
  }

  function show() {
    const values = model.get("values");
    const state = JSON.stringify(values);
    if (drawn.svg.dataset.state === state && lab.said.dataset.state === state) return;
    lab.show(values);
    drawn.show(values);
    lab.tell(state, ...sentences(values, words));
  }

  function lay() {
    const width = Math.round(Math.min(Math.max(lab.holder.clientWidth || 900, 340), 1080));
    drawn = picture(width, words);
    lab.holder.replaceChildren(drawn.svg);
    delete lab.said.dataset.state;
    show();
  }

  function speak() {
    words = model.get("words");
    lab.speak(words);
    lay();
  }

  const dress = () => lab.root.classList.toggle("dark", isDark(lab.root));
  let laidOut = lab.root.clientWidth;
  dress();
  speak();
  model.on("change:values", show);
  model.on("change:words", speak);
  const stopWatching = watchPage(lab.root, () => {
    dress();
    if (Math.abs(lab.root.clientWidth - laidOut) < 2) return;
    laidOut = lab.root.clientWidth;
    lay();
  });
  return () => {
    stopWatching();
    lab.close();
    model.off("change:values", show);
    model.off("change:words", speak);
  };
}

export default { render };
