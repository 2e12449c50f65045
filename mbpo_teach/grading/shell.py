"""Run cells of plain Python one by one, as a notebook does: each goes on where the last ended."""

import __future__

import ast
import inspect
from typing import Any

_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


class Shell:
    """A namespace, and what holds for every later cell: ``from __future__`` and an event loop."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._loop: Any = None

    def run(self, source: str) -> None:
        """Run one cell; whatever it raises goes on to the caller."""
        code = compile(source, "<cell>", "exec", flags=self._flags, dont_inherit=True)
        self._flags |= code.co_flags & _FUTURE
        waiting = eval(code, self.namespace)
        if code.co_flags & inspect.CO_COROUTINE:
            import asyncio  # most cells wait for nothing

            self._loop = self._loop or asyncio.new_event_loop()
            self._loop.run_until_complete(waiting)
