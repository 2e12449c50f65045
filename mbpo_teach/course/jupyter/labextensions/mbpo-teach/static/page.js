// What `python -m mbpo_teach lab` changes in the page, where JupyterLab has no setting for it.
// One plain file that JupyterLab loads as it is: it needs no build.

const RUNS_ALL = ["notebook:run-all-cells", "notebook:run-all-below"];
const HAND = ["pointerdown", "keydown", "wheel"];
const SETTLED = 1500; // ms in which JupyterLab may still scroll to the last cell

/** Run All selects the last cell and scrolls to it: go back to where the reader was. */
function stayInPlace(app) {
  let left = null;
  const remember = () => {
    const notebook = app.shell.currentWidget?.content;
    if (!notebook?.outerNode) return;
    left = { notebook, index: notebook.activeCellIndex, top: notebook.outerNode.scrollTop };
  };
  // The command is heard of only when it has selected the last cell; a hand gave it before.
  for (const event of HAND) document.addEventListener(event, remember, true);
  app.commands.commandExecuted.connect((_, { id }) => {
    const notebook = app.shell.currentWidget?.content;
    if (!RUNS_ALL.includes(id) || left?.notebook !== notebook) return;
    const { index, top } = left;
    notebook.activeCellIndex = index;
    const goBack = () => (notebook.outerNode.scrollTop = top);
    const letGo = () => {
      notebook.outerNode.removeEventListener("scroll", goBack);
      for (const event of HAND) document.removeEventListener(event, letGo, true);
    };
    notebook.outerNode.addEventListener("scroll", goBack);
    for (const event of HAND) document.addEventListener(event, letGo, true);
    setTimeout(letGo, SETTLED);
  });
}

/** JupyterLab writes which Python it found into a notebook that it opens: that is no edit. */
async function forgetKernelName(context) {
  await context.ready;
  const { model, sessionContext } = context;
  let edits = 0; // a change of metadata is told twice, as such and as a change of content
  const count = () => (edits += 1);
  const discount = () => (edits -= 1);
  model.contentChanged.connect(count);
  model.metadataChanged.connect(discount);
  await sessionContext.ready;
  const kernel = sessionContext.session?.kernel;
  await Promise.all([kernel?.info, kernel?.spec]);
  await new Promise((done) => setTimeout(done)); // until JupyterLab has written it
  model.contentChanged.disconnect(count);
  model.metadataChanged.disconnect(discount);
  if (edits === 0) model.dirty = false;
}

/** JupyterLab shows an output's picture without its description: the text that comes with it. */
function describePictures(app) {
  const describe = () => {
    for (const { outputArea } of app.shell.currentWidget?.content?.widgets ?? []) {
      outputArea?.widgets.forEach((shown, place) => {
        const picture = shown.node.querySelector(".jp-RenderedImage img:not([alt])");
        if (picture) picture.alt = outputArea.model.get(place)?.data["text/plain"] ?? "";
      });
    }
  };
  const isPicture = (node) =>
    node.nodeType === Node.ELEMENT_NODE &&
    (node.matches(".jp-RenderedImage img") || node.querySelector(".jp-RenderedImage img"));
  new MutationObserver((records) => {
    if (records.some(({ addedNodes }) => [...addedNodes].some(isPicture))) describe();
  }).observe(document.body, { childList: true, subtree: true });
}

const plugin = {
  id: "mbpo-teach:page",
  autoStart: true,
  activate: (app) => {
    stayInPlace(app);
    describePictures(app);
    app.docRegistry.addWidgetExtension("Notebook", {
      createNew: (_, context) => void forgetKernelName(context),
    });
  },
};

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["mbpo-teach"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
