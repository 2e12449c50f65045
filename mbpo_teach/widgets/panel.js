// A lab whose picture Python draws: the panel of controls.js around it.
//
// A hand changes the model's `values`; Python answers with one `frame` = {png, sentence, more,
// state, page, before}. The new picture is decoded before it is shown, and the sentence changes in the
// same step, so that nothing flickers and no reader (or test) ever sees a picture beside another
// picture's numbers. If frames arrive faster than they can be decoded, the last one wins. A canvas,
// because a bitmap is decoded in a third of the time that an <img> takes.
//
// `page` tells Python what to draw for: dark or light, pixels of the screen per CSS pixel, width.

import { element, isDark, isNear, panel, watchPage } from "./controls.js";

const WIDEST = 1080;
const STEP = 20; // widths are told in such steps, so that a drag of the window is few pictures
const WAIT = 150;

/** What a panel has at this place, in shares of the picture: "12, 0.031"; nothing outside. */
export function readAt(scales, x, y) {
  const scale = scales.find(({ box: [left, top, right, bottom] }) =>
    x >= left && x <= right && y >= top && y <= bottom);
  if (!scale) return "";
  const [left, top, right, bottom] = scale.box;
  const shares = [(x - left) / (right - left), (bottom - y) / (bottom - top)];
  return shares.map((share, i) => {
    const [low, high] = scale.limits[i].map((limit) => (scale.log[i] ? Math.log(limit) : limit));
    const at = low + share * (high - low);
    return String(Number((scale.log[i] ? Math.exp(at) : at).toPrecision(3)));
  }).join(", ");
}

function render({ model, el }) {
  const lab = panel({ model, el, controls: model.get("controls"), move });
  const picture = element("canvas", { role: "img", "aria-describedby": lab.said.id });
  picture.style.cssText = "display: block; max-width: 100%; height: auto;";
  const read = element("div", { class: "read", "aria-hidden": "true" });
  lab.holder.append(picture, read);
  picture.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const { clientWidth: width, clientHeight: height } = picture;
    const said = readAt(model.get("frame").scales ?? [], offsetX / width, offsetY / height);
    read.textContent = said;
    const left = offsetX < width / 2 ? offsetX + 12 : offsetX - 12 - read.clientWidth;
    read.style.cssText = `left: ${left}px; top: ${offsetY - 12}px`;
  });
  picture.addEventListener("pointerleave", () => { read.textContent = ""; });

  function move(patch) {
    model.set("values", { ...model.get("values"), ...patch });
    model.save_changes();
    controls();
  }

  const controls = () => lab.show(model.get("values"), model.get("locked"));

  function speak() {
    const words = model.get("words");
    lab.speak(words);
    picture.setAttribute("aria-label", words.picture);
  }

  let latest = 0;
  async function show() {
    const turn = ++latest;
    const frame = model.get("frame");
    if (!frame || !frame.png) return;
    const bitmap = await createImageBitmap(new Blob([frame.png], { type: "image/png" }));
    if (turn === latest) {
      // Setting a canvas's size clears it: only where the size is new.
      if (picture.width !== bitmap.width) picture.width = bitmap.width;
      if (picture.height !== bitmap.height) picture.height = bitmap.height;
      picture.style.width = `${bitmap.width / frame.page.density}px`;
      picture.getContext("2d").drawImage(bitmap, 0, 0);
      picture.dataset.state = frame.state;
      picture.dataset.before = frame.before ?? "null";
      picture.dataset.page = JSON.stringify(frame.page);
      lab.tell(frame.state, frame.sentence, frame.more);
    }
    bitmap.close();
  }

  function look() {
    const dark = isDark(lab.root);
    lab.root.classList.toggle("dark", dark);
    // A new picture takes Python a while: labs that nobody looks at wait until somebody does.
    if (!isNear(lab.root)) return;
    const page = {
      dark,
      density: Math.min(Math.max(Math.round(4 * devicePixelRatio) / 4, 1), 3),
      width: Math.min(STEP * Math.floor(lab.holder.clientWidth / STEP), WIDEST),
    };
    if (JSON.stringify(page) === JSON.stringify(model.get("page"))) return;
    model.set("page", page);
    model.save_changes();
  }

  let timer;
  const stopWatching = watchPage(lab.root, () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT);
  });
  const listeners = {
    "change:values": controls, "change:locked": controls, "change:words": speak, "change:frame": show,
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  speak();
  controls();
  show();
  look();
  return () => {
    clearTimeout(timer);
    stopWatching();
    lab.close();
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
  };
}

export default { render };
