"""Run cells of plain Python one by one, as a notebook does: each goes on where the last ended."""

import __future__

import ast
import asyncio
import inspect
from typing import Any

_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


class Shell:
    """A namespace, and what holds for every later cell: ``from __future__`` and an event loop."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._loop = asyncio.new_event_loop()

    def run(self, source: str) -> None:
        """Run one cell, statement by statement; whatever one raises goes on to the caller."""
        self._loop.run_until_complete(self._run(source))

    def close(self) -> None:
        """End what still waits; no cell can be run after."""
        self._loop.close()

    async def _run(self, source: str) -> None:
        for statement in ast.parse(source, "<cell>").body:
            module = ast.Module(body=[statement], type_ignores=[])
            code = compile(module, "<cell>", "exec", flags=self._flags, dont_inherit=True)
            self._flags |= code.co_flags & _FUTURE
            waiting = eval(code, self.namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                await waiting
