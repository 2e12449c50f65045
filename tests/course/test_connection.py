"""What a kernel says reaches the page without waiting; every browser test goes through it."""

from unittest import mock

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

from mbpo_teach.course.connection import PromptConnection
from mbpo_teach.course.server import PROMPT


def test_jupyterlab_understands_the_option():
    """A name that JupyterLab has not would be a warning in its log, and nothing else."""
    server = ServerApp()
    server.parse_command_line([PROMPT])
    assert server.kernel_websocket_connection_class is PromptConnection


def test_small_messages_are_not_held_back(monkeypatch):
    handler = mock.create_autospec(KernelWebsocketHandler, instance=True)
    connection = PromptConnection(websocket_handler=handler)

    def connect(_self):
        handler.set_nodelay.assert_called_once_with(True)
        return "connected"

    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", connect)
    assert connection.connect() == "connected"
