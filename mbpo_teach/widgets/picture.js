// A picture and the sentence that states its numbers, replaced together.
//
// Python sends one `frame` = {png, sentence, state}. The new picture is decoded before it is
// shown, and the sentence changes in the same step, so that nothing flickers and no reader (or
// test) ever sees a picture beside another picture's numbers. If frames arrive faster than they
// can be decoded, the last one wins. A canvas, because a bitmap is decoded in a third of the time
// that an <img> takes.

function render({ model, el }) {
  const sentence = document.createElement("figcaption");
  sentence.setAttribute("role", "status");
  sentence.setAttribute("aria-live", "polite");
  sentence.style.cssText = "margin: 4px 0; line-height: 1.5; min-height: 3em; max-width: 100ch;";
  const picture = document.createElement("canvas");
  picture.setAttribute("role", "img");
  picture.style.cssText = "display: block; max-width: 100%; height: auto; background: white;";
  const figure = document.createElement("figure");
  figure.className = "mbpo-picture";
  figure.style.margin = "0";
  figure.append(sentence, picture);
  el.append(figure);

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
      picture.getContext("2d").drawImage(bitmap, 0, 0);
      picture.setAttribute("aria-label", frame.sentence);
      sentence.textContent = frame.sentence;
      picture.dataset.state = sentence.dataset.state = frame.state;
    }
    bitmap.close();
  }

  model.on("change:frame", show);
  show();
  return () => model.off("change:frame", show);
}

export default { render };
