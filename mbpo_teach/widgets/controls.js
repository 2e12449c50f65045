// What surrounds the picture of every lab: controls, buttons, the sentence and more numbers.
//
// The labs whose pictures Python draws (panel.js) and the bound explorer, which computes in the
// browser, are made of the same parts; so is a static page. Python joins this file with one of
// them (widgets/modules.py); a page without a kernel imports it as it stands. The words are the
// catalogue's panel.* entries.

// ---------------------------------------------------------------- numbers and words

/** A number as it is shown and spoken: 0.9, not 0.9000000000000001. */
export const shown = (x) => String(Number(x.toPrecision(12)));

export const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** What somebody typed as a number, NaN if it is none; decimals have a comma or a point. */
export function typedNumber(text, whole) {
  // NFKC turns the full-width digits of a Chinese keyboard into plain ones.
  const plain = text.normalize("NFKC").replace(/\s/g, "").replace("−", "-");
  if (plain === "") return NaN;
  const grouped = whole && /^\d{1,3}(,\d{3})+$/.test(plain); // 10,000
  return Number(grouped ? plain.replaceAll(",", "") : plain.replace(",", "."));
}

export const nearest = (stops, x) =>
  stops.reduce((best, stop, i) => (Math.abs(stop - x) < Math.abs(stops[best] - x) ? i : best), 0);

/**
 * The value that a typed number gives a control, and the key of the word that says what was done
 * to it, if anything was. A slider keeps every value between its ends; a choice has only its own.
 */
export function allowed({ stops, whole, only }, wanted, value) {
  const low = stops[0], high = stops[stops.length - 1];
  if (Number.isNaN(wanted)) return [value, "not_a_number"];
  if (wanted < low || wanted > high) return [wanted < low ? low : high, "clamped"];
  if (only) {
    const used = stops[nearest(stops, wanted)];
    return [used, Math.abs(used - wanted) > 1e-9 ? "nearest" : ""];
  }
  if (whole && !Number.isInteger(wanted)) return [Math.round(wanted), "rounded"];
  return [wanted, ""];
}

// ---------------------------------------------------------------- parts of the page

export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Put `words` into an element, with "x_y" as x and a subscript y; return the element. */
export function typeset(node, words) {
  node.replaceChildren();
  words.split(/_(max|m′|m|π|D)/).forEach((part, i) => {
    if (part) node.append(i % 2 ? element("sub", {}, [part]) : part);
  });
  return node;
}

let count = 0;
const fresh = (name) => `mbpo-${name}-${++count}-${Math.random().toString(36).slice(2)}`;

// JupyterLab and Notebook 7 would take arrow keys for themselves and select another cell.
const OURS = { "data-lm-suppress-shortcuts": "true" };

/** Let Enter finish what was typed: JupyterLab keeps the key from doing so by itself. */
function finishOnEnter(box) {
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    box.blur(); // brings about "change"
    box.focus();
  });
}

/** A labelled slider and its number box; `move` is called when a hand moves it. */
function slider(spec, move, say) {
  const { name, stops, whole } = spec;
  const id = fresh(name), range = fresh(name);
  const label = element("label", { for: id });
  const slider = element("input", {
    type: "range", id, min: 0, max: stops.length - 1, step: 1, "data-name": name,
    "aria-describedby": range, ...OURS,
  });
  const box = element("input", {
    type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off",
    "data-name": name, "aria-describedby": range, ...OURS,
  });
  const ends = [stops[0], stops[stops.length - 1]].map(shown);
  const end = (words) => element("span", { class: "end", "aria-hidden": "true" }, [words]);
  const said = element("span", { id: range, class: "hidden" });
  const root = element("div", { class: "control" }, [
    label, box, element("div", { class: "track" }, [end(ends[0]), slider, end(ends[1])]), said,
  ]);
  let words, value;

  slider.addEventListener("input", () => {
    say();
    move({ [name]: stops[slider.valueAsNumber] });
  });
  finishOnEnter(box);
  box.addEventListener("change", () => {
    const [used, key] = allowed(spec, typedNumber(box.value, whole), value);
    const told = { name: words.labels[name], low: ends[0], high: ends[1], value: shown(used) };
    say(root, key && fill(words[key], { ...told, typed: box.value.trim() }));
    box.value = shown(used);
    move({ [name]: used });
  });

  return {
    root,
    speak(newWords) {
      words = newWords;
      typeset(label, words.labels[name]);
      box.setAttribute("aria-label", fill(words.number, { name: words.labels[name] }));
      said.textContent = fill(words.range, { low: ends[0], high: ends[1] });
    },
    show(newValue, locked) {
      value = newValue;
      const at = nearest(stops, value);
      slider.value = at;
      slider.style.setProperty("--filled", `${(100 * at) / Math.max(stops.length - 1, 1)}%`);
      slider.setAttribute("aria-valuetext", shown(value));
      slider.disabled = box.disabled = locked;
      const typing = document.activeElement === box;
      if (!typing || typedNumber(box.value, whole) !== value) box.value = shown(value);
    },
  };
}

/** A box to tick. */
function tick({ name }, move, say) {
  const box = element("input", { type: "checkbox", "data-name": name, ...OURS });
  const words = element("span");
  const root = element("div", { class: "control" }, [element("label", { class: "tick" }, [box, words])]);
  box.addEventListener("change", () => {
    say();
    move({ [name]: box.checked });
  });
  return {
    root,
    speak: ({ labels }) => typeset(words, labels[name]),
    show(value, locked) {
      box.checked = value;
      box.disabled = locked;
    },
  };
}

/** A question that asks for a number before anything moves; the answer is drawn when it has. */
function question({ low, high }, model, say) {
  const id = fresh("guess");
  const label = element("label", { for: id });
  const box = element("input", { type: "text", id, inputmode: "decimal", autocomplete: "off", ...OURS });
  const root = element("div", { class: "question" }, [label, box]);
  let words, value = model.get("guess");
  if (value !== null) box.value = shown(value);
  finishOnEnter(box);
  box.addEventListener("change", () => {
    const typed = typedNumber(box.value, false);
    const outside = Number.isNaN(typed) || typed < low || typed > high;
    say(root, outside ? fill(words.guess_range, { low: shown(low), high: shown(high) }) : words.guessed);
    if (outside) return;
    value = typed;
    box.value = shown(value);
    model.set("guess", value);
    model.save_changes();
  });
  return {
    root,
    speak(newWords) {
      words = newWords;
      typeset(label, words.guess);
    },
  };
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const SECONDS = 6; // from one end of a slider to the other

/** A button that moves a slider to its end by itself; one step a press for who wants no motion. */
function player({ name, stops }, now, move) {
  const button = element("button", { type: "button", class: "play", ...OURS });
  let words, timer = null;
  const label = () => fill(words[timer === null ? "play" : "stop"], { name: words.labels[name] });

  function stop() {
    clearInterval(timer);
    timer = null;
    typeset(button, label());
  }

  function step() {
    const next = nearest(stops, now()) + 1;
    if (next < stops.length) move({ [name]: stops[next] });
    if (next >= stops.length - 1) stop();
  }

  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (nearest(stops, now()) === stops.length - 1) move({ [name]: stops[0] });
    if (calm()) return step();
    timer = setInterval(step, Math.max(80, (1000 * SECONDS) / stops.length));
    typeset(button, label());
  });

  return {
    root: button,
    speak(newWords) {
      words = newWords;
      typeset(button, label());
    },
    stop: () => timer !== null && stop(),
  };
}

// ---------------------------------------------------------------- the panel

const RESTS = 600; // milliseconds without a move, after which the sentence is announced

/**
 * Everything of a lab but its picture, which goes into `holder`. `controls` are, in reading order,
 * {name, kind, stops, whole, only}, of the kind "slider" or "switch". The lab's model has
 *   start     values that "reset" goes back to
 *   settings  named values, [{...values}], their names in words.settings
 *   asks      the range of a number to be guessed first, or nothing; words.guess asks for it
 *   guess     that number, null before it was given
 *   plays     the names of the sliders that can move by themselves
 *   words     panel.* in one language, `lang`, `labels` by name and `settings`
 *   lang      the language; without it there is no switch (a page without a kernel)
 * `move(values)` is called when a hand moves something.
 */
export function panel({ model, el, controls, move, label = "" }) {
  const settings = model.get("settings") ?? [];
  const start = model.get("start") ?? {};
  let values = {}, words, quiet = true, timer;

  const notice = element("div", { class: "notice", role: "alert" });
  function say(where, text = "") {
    for (const each of players) each.stop();
    notice.hidden = !text;
    typeset(notice, text);
    if (text) notice.style.cssText = `left: ${where.offsetLeft}px; top: ${where.offsetTop + where.offsetHeight}px`;
  }
  function moveBy(patch) {
    quiet = false;
    move(patch);
  }

  const byName = Object.fromEntries(controls.map((spec) => [spec.name, spec]));
  const made = controls.map((spec) =>
    (spec.kind === "switch" ? tick : slider)(spec, moveBy, say));
  const players = (model.get("plays") ?? []).map((name) =>
    player(byName[name], () => values[name], moveBy));
  const setting = (to) => {
    const button = element("button", { type: "button", ...OURS });
    button.addEventListener("click", () => {
      say();
      moveBy(to);
    });
    return button;
  };
  const chosen = settings.map(setting);
  const reset = setting(start);
  const languages = !model.get("lang") ? [] : [["en", "English"], ["zh", "中文"]].map(([lang, name]) => {
    const button = element("button", { type: "button", lang, class: "language", ...OURS }, [name]);
    button.addEventListener("click", () => {
      model.set("lang", lang);
      model.save_changes();
    });
    return button;
  });
  const range = model.get("asks") ?? [];
  const asked = range.length ? [question({ low: range[0], high: range[1] }, model, say)] : [];
  const grid = element("div", { class: "controls" }, made.map((each) => each.root));
  // Four in two rows of two rather than three and one.
  grid.style.setProperty("--columns", controls.length === 4 ? 2 : Math.min(controls.length, 3));
  const row = element("div", { class: "buttons" }, [
    ...players.map((each) => each.root), ...chosen, ...(controls.length ? [reset] : []),
    element("span", { class: "gap" }), ...languages,
  ]);
  const holder = element("div", { class: "picture" });
  const said = element("p", { class: "said", id: fresh("said") });
  const summary = element("summary", OURS);
  const rest = element("p");
  const more = element("details", { class: "more" }, [summary, rest]);
  const status = element("div", { class: "hidden", role: "status", "aria-live": "polite" });
  const root = element("div", { role: "group", class: `mbpo-lab ${label}` }, [
    element("style", {}, [STYLE]), ...asked.map((each) => each.root),
    ...(controls.length ? [grid] : []), ...(controls.length || languages.length ? [row] : []),
    notice, holder, said, more, status,
  ]);
  notice.hidden = more.hidden = true;
  el.append(root);

  return {
    root, holder, said,
    /** The panel's words in another language. */
    speak(newWords) {
      words = newWords;
      root.lang = words.lang === "zh" ? "zh-CN" : "en";
      root.setAttribute("aria-label", words.lab);
      for (const each of [...made, ...players, ...asked]) each.speak(words);
      chosen.forEach((button, i) => typeset(button, words.settings[i]));
      reset.textContent = words.reset;
      summary.textContent = words.more;
      for (const each of languages) each.setAttribute("aria-pressed", each.lang === words.lang);
      say();
    },
    /** The controls at these values; `locked` are the names of those that cannot be moved. */
    show(newValues, locked = []) {
      values = newValues;
      controls.forEach(({ name }, i) => made[i].show(values[name], locked.includes(name)));
    },
    /** The sentence and the other numbers that belong to `state`; announced when the hand rests. */
    tell(state, sentence, others) {
      typeset(said, sentence);
      said.dataset.state = state;
      typeset(rest, others);
      more.hidden = !others;
      clearTimeout(timer);
      if (!quiet) timer = setTimeout(() => { typeset(status, sentence); }, RESTS);
    },
    close() {
      clearTimeout(timer);
      say();
    },
  };
}

// Okabe and Ito's blue and, on dark paper, a lighter one; both 3:1 and more beside their paper.
const STYLE = `
.mbpo-lab { --ink: var(--jp-ui-font-color1, CanvasText); --paper: var(--jp-layout-color0, Canvas);
  --blue: #0072B2; --edge: #767676; container-type: inline-size; position: relative; width: 100%;
  max-width: 1080px; padding: 2px; box-sizing: border-box; color: var(--ink); line-height: 1.45;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; }
.mbpo-lab.dark { --blue: #56B4E9; --edge: #8f8f8f; }
.mbpo-lab .controls { display: grid; gap: 2px 28px; grid-template-columns: repeat(auto-fit, minmax(max(250px,
  (100% - 28px * (var(--columns) - 1)) / var(--columns)), 1fr)); }
.mbpo-lab .control { display: grid; grid-template-columns: 1fr auto; column-gap: 8px; align-items: center;
  max-width: 460px; }
.mbpo-lab .track { grid-column: 1 / 3; display: flex; align-items: center; gap: 6px; }
.mbpo-lab .end { font-size: 11px; }
.mbpo-lab .tick { display: flex; align-items: center; gap: 6px; min-height: 24px; }
.mbpo-lab input[type=checkbox] { width: 24px; height: 24px; margin: 0; accent-color: var(--blue); flex: none; }
.mbpo-lab input[type=range] { appearance: none; flex: 1; min-width: 60px; height: 24px; margin: 0;
  background: transparent; cursor: pointer; }
.mbpo-lab input[type=range]::-webkit-slider-runnable-track { height: 6px; border-radius: 3px;
  background: linear-gradient(to right, var(--blue) var(--filled), var(--edge) var(--filled)); }
.mbpo-lab input[type=range]::-moz-range-track { height: 6px; border-radius: 3px; background: var(--edge); }
.mbpo-lab input[type=range]::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--blue); }
.mbpo-lab input[type=range]::-webkit-slider-thumb { appearance: none; width: 24px; height: 24px; margin-top: -9px;
  border-radius: 50%; background: var(--blue); border: 5px solid var(--paper); box-sizing: border-box;
  box-shadow: 0 0 0 1.5px var(--blue) inset, 0 0 0 1px var(--edge); }
.mbpo-lab input[type=range]::-moz-range-thumb { width: 24px; height: 24px; border-radius: 50%; background: var(--blue);
  border: 5px solid var(--paper); box-sizing: border-box; box-shadow: 0 0 0 1px var(--edge); }
.mbpo-lab input[type=text] { font: inherit; text-align: right; padding: 1px 5px; min-height: 24px; width: 5.5em;
  color: inherit; background: var(--jp-input-background, Canvas); border: 1px solid var(--edge);
  border-radius: 3px; box-sizing: border-box; }
.mbpo-lab button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--edge);
  border-radius: 3px; min-height: 24px; min-width: 24px; padding: 1px 9px; cursor: pointer; }
.mbpo-lab button[aria-pressed=true] { border-color: var(--blue); box-shadow: 0 0 0 1px var(--blue) inset; }
.mbpo-lab :is(input, button, summary):focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.mbpo-lab :disabled { cursor: not-allowed; }
.mbpo-lab .control:has(:disabled) { opacity: .55; }
.mbpo-lab sub { font-size: 85%; line-height: 0; }
.mbpo-lab .buttons { display: flex; flex-wrap: wrap; gap: 4px 6px; margin: 4px 0; }
.mbpo-lab .question { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; margin-bottom: 4px; }
.mbpo-lab .picture { position: relative; }
.mbpo-lab .read { position: absolute; pointer-events: none; background: var(--paper); padding: 0 4px; }
.mbpo-lab .read:not(:empty) { box-shadow: 0 0 0 1px var(--edge); }
.mbpo-lab .gap { flex: 1; }
.mbpo-lab .notice { position: absolute; z-index: 3; max-width: 300px; padding: 4px 8px; border-radius: 3px;
  background: var(--paper); border: 1px solid var(--edge); box-shadow: 0 2px 8px #0004; }
.mbpo-lab .said { margin: 4px 0 0; min-height: 2.9em; }
.mbpo-lab .more p { margin: 2px 0 0; }
.mbpo-lab .more summary { min-height: 24px; cursor: pointer; width: fit-content; }
.mbpo-lab .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.mbpo-lab [hidden] { display: none; }
@container (max-width: 599px) {
  .mbpo-lab .controls { grid-template-columns: 1fr; }
  .mbpo-lab .control { max-width: none; }
  .mbpo-lab .said { min-height: 5.8em; }
}
`;

const NEAR = "400px 0px";

/** Is this element in view, or nearly? */
export function isNear(root) {
  const { top, bottom, width } = root.getBoundingClientRect();
  const margin = parseInt(NEAR);
  return width > 0 && bottom > -margin && top < innerHeight + margin;
}

/** Is the page around this element dark? JupyterLab and Notebook 7 say so; elsewhere its ink does. */
export function isDark(root) {
  const said = document.body.dataset.jpThemeLight;
  if (said !== undefined) return said === "false";
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140;
}

/**
 * Call `changed` whenever the page's theme, the screen's density or the width may be others, or
 * when the lab comes into view.
 */
export function watchPage(root, changed) {
  const views = new IntersectionObserver(changed, { rootMargin: NEAR });
  views.observe(root);
  const sizes = new ResizeObserver(changed);
  sizes.observe(root);
  const themes = new MutationObserver(changed);
  themes.observe(document.body, { attributes: true });
  themes.observe(document.documentElement, { attributes: true });
  const asked = [matchMedia("(prefers-color-scheme: dark)"), matchMedia("(min-resolution: 1.5dppx)")];
  for (const query of asked) query.addEventListener("change", changed);
  return () => {
    views.disconnect();
    sizes.disconnect();
    themes.disconnect();
    for (const query of asked) query.removeEventListener("change", changed);
  };
}
