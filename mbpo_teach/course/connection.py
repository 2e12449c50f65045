"""The course's JupyterLab sends what a kernel says at once, however little it is.

A slider's move is answered by several small messages: the kernel is busy, the slider's value, the
new picture. By TCP's default a server holds back a small message until the one before it is
acknowledged, which a browser may do 40 ms later: a picture was ready after 35 ms and reached the
page after 50 (benchmarks/browser.py). ``python -m mbpo_teach lab`` hands this class to JupyterLab.
"""

from asyncio import Future

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel that waits for no acknowledgement."""

    def connect(self) -> Future[None] | None:  # type: ignore[override]  # async in the base
        """Connect the page to the kernel."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
