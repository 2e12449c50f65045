"""What an answer consists of: its own cells, and what these use of the cells above its check.

In a notebook a name may come from anywhere above: a helper in a cell without a label, half of an
answer, an earlier answer, an import in a cell of the course. Of such cells the statements that
define a name which the answer uses are taken along, and no other: whoever sees the target line
below the check, in a notebook run from top to bottom, gets the point.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import CodeType

from mbpo_teach.grading import names, reading
from mbpo_teach.grading.cells import MAX_CHARACTERS, python, statements
from mbpo_teach.grading.courtesy import is_common
from mbpo_teach.grading.pristine import Lean, Task
from mbpo_teach.grading.reading import CodeCell

_MOST_READ = 1_000_000
"""Characters of a notebook's other cells that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An answer as it is run.

    Attributes
    ----------
    cells
        Plain Python, run one by one.
    written
        How many answer cells the student wrote.
    taken
        Names that come from other cells of the student's.
    left_out
        How many lines of the answer cells only IPython understands.
    broken
        The line of the first answer cell that is not Python, at which it is not; 0 if all are.
    elsewhere
        Names that are used and come neither from the answer nor from above it: the key of the
        words that say where they are, if anywhere.
    """

    cells: tuple[str, ...]
    written: int
    taken: tuple[str, ...] = ()
    left_out: int = 0
    broken: int = 0
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """A statement at the top of a cell: the lines it stands on, counted from 0, and its names."""

    lines: range
    bound: set[str]
    used: set[str]
    changed: set[str]
    is_import: bool
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A cell of which statements may be taken along."""

    lines: list[str]
    statements: list[_Statement]

    def piece(self, chosen: set[int]) -> str:
        """Return the chosen statements, on the lines on which they stand."""
        kept = {line for index in chosen for line in self.statements[index].lines}
        return "\n".join(line if i in kept else "" for i, line in enumerate(self.lines))


def gathered(lean: Lean, content: bytes) -> dict[str, Gathered]:
    """Return what there is of each exercise in a submitted notebook, by exercise id.

    An exercise of which there is no more than the stub is left out.

    Raises
    ------
    Unreadable
        As :func:`mbpo_teach.grading.reading.answers`.
    """
    handed_in = reading.code_cells(content)
    room = _MOST_READ
    others: dict[int, _Cell] = {}
    for position, cell in enumerate(handed_in):
        if cell.source.strip() in lean.sources:
            continue
        room -= len(cell.source)
        read = _cell(cell.source) if room > 0 else None
        if read:
            others[position] = read
    found = {}
    for task in lean.tasks:
        # What stands below the check is a try of another day, unless there is nothing above it.
        for end in (_last_check(task, handed_in), len(handed_in) - 1):
            if task.id not in found and (answer := _gathered(task, handed_in, others, end)):
                found[task.id] = answer
    return found


def _cell(source: str) -> _Cell | None:
    try:
        plain, _ = python(source)
        found = [_statement(node, code) for node, code in statements(plain)]
    except (SyntaxError, RecursionError):
        return None  # it does nothing in a notebook either
    return _Cell(lines=plain.split("\n"), statements=found)


def _statement(node: ast.stmt, code: CodeType) -> _Statement:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)]) - 1
    bound = names.bound(code)
    always = isinstance(node, ast.ImportFrom) and (
        node.module == "__future__" or (node.names[0].name == "*" and is_common(node))
    )
    return _Statement(
        lines=range(first, node.end_lineno or first + 1),
        bound=bound,
        used=names.used(code),
        changed=names.written_to(node),
        is_import=isinstance(node, (ast.Import, ast.ImportFrom)),
        always=always,
    )


def _gathered(
    task: Task, handed_in: Sequence[CodeCell], others: Mapping[int, _Cell], end: int
) -> Gathered | None:
    """Return what there is of an exercise in the cells up to `end`."""
    mine = [
        position
        for position, cell in enumerate(handed_in[: end + 1])
        if (cell.exercise, cell.role) == (task.id, "answer")
        and cell.source.strip() not in ("", task.stub.strip())
    ]
    sources = tuple(handed_in[position].source for position in mine)
    if sum(map(len, sources)) > MAX_CHARACTERS:
        return Gathered(cells=sources, written=len(mine))  # too long to be looked into
    own: dict[int, str] = {}
    left_out, broken = 0, 0
    for position in mine:
        try:
            own[position], lines = python(handed_in[position].source)
            left_out += len(lines)
        except SyntaxError as error:  # in a notebook the other cells go on
            broken = broken or error.lineno or 1
    if broken:
        with suppress(SyntaxError):  # one function, split in its middle
            whole, lines = python("\n".join(sources))
            own, left_out, broken = {mine[0]: whole}, len(lines), 0
    asked = {node.id for name in task.names for node in ast.walk(ast.parse(name))
             if isinstance(node, ast.Name)}  # fmt: skip
    above = {i - len(task.above): cell for i, source in enumerate(task.above)
             if (cell := _cell(source))}  # fmt: skip
    around = above | {i: cell for i, cell in others.items() if i <= end and i not in mine}
    chosen, needed = _choose(around, own, asked)
    taken = {
        name
        for position, indices in chosen.items()
        for index in indices
        for name in around[position].statements[index].bound & needed
        if position >= 0
    }
    own = {position: source for position, source in own.items() if source.strip()}
    if not own and not broken and not taken & asked:
        return None
    pieces = own | {
        position: around[position].piece(indices) for position, indices in chosen.items()
    }
    known = _bound(*pieces.values(), task.setup) | names.EVERYWHERE
    below = {name for i, cell in others.items() if i > end for each in cell.statements
             for name in each.bound}  # fmt: skip
    return Gathered(
        cells=tuple(pieces[position] for position in sorted(pieces)),
        written=len(mine),
        taken=tuple(sorted(taken)),
        left_out=left_out,
        broken=broken,
        elsewhere={
            name: "mark.text"
            if name in task.text
            else "mark.below"
            if name in below
            else "mark.name"
            for name in needed - known
        },
    )


def _last_check(task: Task, handed_in: Sequence[CodeCell]) -> int:
    """Return where the last cell is that checks an exercise; the last of all if there is none."""
    call = re.compile(rf"\bcheck\(\s*[\"']{task.id}[\"']")
    checks = (position for position, cell in enumerate(handed_in) if call.search(cell.source))
    return max(checks, default=len(handed_in) - 1)


def _choose(
    around: Mapping[int, _Cell], own: Mapping[int, str], asked: set[str]
) -> tuple[dict[int, set[int]], set[str]]:
    """Choose, by cell, the statements that define what an answer uses; return its names too."""
    final: dict[str, int] = {}
    needed = set(asked)
    for position, source in own.items():
        for _, code in statements(source):
            final |= dict.fromkeys(names.bound(code), position)
            needed |= names.used(code)
    chosen: dict[int, set[int]] = {}
    defining: dict[str, list[tuple[int, int]]] = {}
    modules = {name for cell in around.values() for statement in cell.statements
               if statement.is_import for name in statement.bound}  # fmt: skip
    for position, cell in around.items():
        for index, statement in enumerate(cell.statements):
            # A call such as np.set_printoptions() makes no name.
            for name in statement.bound | (statement.changed - modules):
                defining.setdefault(name, []).append((position, index))
            if statement.always:
                chosen.setdefault(position, set()).add(index)
    waiting = sorted(needed)
    while waiting:
        name = waiting.pop()
        for position, index in defining.get(name, ()):
            statement = around[position].statements[index]
            # What an answer cell further down defines anew is not taken from here.
            if index in chosen.get(position, ()) or final.get(name, position) > position:
                continue
            chosen.setdefault(position, set()).add(index)
            waiting += sorted(statement.used - needed)
            needed |= statement.used
    return chosen, needed


def _bound(*sources: str) -> set[str]:
    return {name for source in sources for _, code in statements(source)
            for name in names.bound(code)}  # fmt: skip
