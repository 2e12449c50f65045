"""Runs a notebook and keeps of its outputs what a repository should hold."""

import os
import re
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from mbpo_teach.course.lasting import VIEW, lasting
from pictures import PictureError, quantised_base64

# For cells that hang: what a whole chapter may take, on a machine ten times slower or as busy.
CELL_SECONDS = 900
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_OF_THIS_MACHINE = {sys.prefix, str(Path(__file__).resolve().parents[1])}


class ExecutionError(RuntimeError):
    """A notebook does not run, or leaves an output which cannot be stored."""


def execute(
    notebook: nbformat.NotebookNode,
    *,
    language: str,
    folder: Path,
    cell_seconds: int = CELL_SECONDS,
) -> float:
    """Run all cells in place, with this interpreter, and return the seconds they took."""
    # No folders: then "python3" is this interpreter, not whatever a machine calls python3.
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
    )
    begun: list[nbformat.NotebookNode] = []
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=cell_seconds,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_execute=lambda cell, cell_index: begun.append(cell),
        extra_arguments=["--log-level=ERROR"],  # each kernel warns that it talks in plain text
    )
    # MPLBACKEND=Agg, common on build machines, would silence every plt.show().
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment["MBPO_LANG"] = language
    start = time.perf_counter()
    try:
        client.execute(cwd=str(folder), env=environment, cleanup_kc=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise ExecutionError(_failure(begun, error)) from error
    return time.perf_counter() - start


def clean(notebook: nbformat.NotebookNode) -> None:
    """Strip, in place, what changes from run to run or breaks a reader without a kernel."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        try:
            cell.outputs = [
                nbformat.from_dict(lasts)
                for output in cell.outputs
                if _worth_keeping(output)
                for lasts in lasting(_kept(output))
            ]
        except (ExecutionError, PictureError) as error:
            raise ExecutionError(f"the cell {beginning(cell)}: {error}") from None


def beginning(cell: nbformat.NotebookNode) -> str:
    """Return the first line of a cell, in quotes, for messages."""
    lines = cell.source.strip().splitlines() or [""]
    return f'"{lines[0][:60]}"'


def _worth_keeping(output: nbformat.NotebookNode) -> bool:
    return not (output.output_type == "stream" and output.name == "stderr")


def _kept(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    if output.output_type == "stream":
        _refuse_addresses(output.text)
        return output
    if VIEW in output.data and "image/png" not in output.data:
        raise ExecutionError("a widget needs a picture beside it for readers without a kernel")
    if "image/png" in output.data:
        output.data["image/png"] = quantised_base64(output.data["image/png"])
    _refuse_addresses(output.data.get("text/plain", ""))
    return output


def _refuse_addresses(text: str) -> None:
    if found := _ADDRESS.search(text):
        raise ExecutionError(f"its output holds a memory address ({found.group()})")
    for folder in _OF_THIS_MACHINE:
        if folder in text:
            raise ExecutionError(f"its output holds a path of this machine ({folder})")


def _failure(begun: list[nbformat.NotebookNode], error: Exception) -> str:
    if isinstance(error, CellExecutionError):
        what = f"raised {error.ename}: {error.evalue}"
    elif isinstance(error, CellTimeoutError):
        what = "ran too long"
    else:
        what = "ended the kernel"
    return f"the cell {beginning(begun[-1])} {what}"
