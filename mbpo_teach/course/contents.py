"""How the course's JupyterLab reads and writes notebooks: see :mod:`mbpo_teach.course.lasting`.

A file never holds a live widget. While the kernel that made it lives, a page that is loaded again
(F5) gets it back: the server remembers what it left out, and for which process.
"""

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from mbpo_teach.course.lasting import Views, with_widgets, without_widgets


class LastingContents(AsyncLargeFileManager):
    """Jupyter's usual files, in which the pictures of labs last."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._left_out: dict[str, tuple[object, Views]] = {}

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        """Write a file; a notebook without its live widgets. The page keeps them.

        An output that nobody foresaw never costs the learner an answer: where the pictures cannot
        be seen to, the notebook is written as it came.
        """
        if model.get("type") == "notebook" and model.get("content"):
            try:
                content, views = without_widgets(model["content"])
                self._left_out[path.strip("/")] = await self._process(path), views
                model = {**model, "content": content}
            except Exception:
                self.log.warning("%s is saved with its widgets as they are", path, exc_info=True)
        return await super().save(model, path)  # type: ignore[no-untyped-call]

    async def get(self, path: str, content: bool = True, *args: Any, **options: Any) -> Any:
        """Read a file; a notebook whose kernel still runs, with its live widgets."""
        model = await super().get(path, content, *args, **options)  # type: ignore[no-untyped-call]
        if content and model["type"] == "notebook":
            process, views = self._left_out.get(path.strip("/"), (None, {}))
            if process and process == await self._process(path):
                with_widgets(model["content"], views)
        return model

    async def _process(self, path: str) -> object:
        """Return what tells the process of a notebook's kernel from all others, or None."""
        sessions = getattr(self.parent, "session_manager", None)
        if sessions is None:
            return None
        try:
            kernel = (await sessions.get_session(path=path.strip("/")))["kernel"]["id"]
        except HTTPError:  # no kernel
            return None
        # A restarted kernel keeps its id; only a local one has a process whose number is known.
        running = sessions.kernel_manager.get_kernel(kernel)
        return kernel, getattr(getattr(running, "provisioner", None), "pid", None)
