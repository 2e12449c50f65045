"""Which room of the package imports which, read from its files, and the picture of it.

python tools/rooms.py        draws docs/architecture.svg

An arrow goes from a room to one that is built on it, so that every arrow points down the page.
Those to rooms that another path already leads to are left out, and `ground`, on which every room
stands, is the slab at the top.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

from mbpo_teach.ground.imports import of_the_course

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mbpo_teach"
PICTURE = ROOT / "docs" / "architecture.svg"

GROUND = "ground"
_WIDE, _HIGH, _ACROSS, _DOWN, _EDGE = 118, 34, 34, 46, 24


def modules() -> Iterator[tuple[tuple[str, ...], Path]]:
    """Yield every file but the `__init__`s with its place: ("theory", "bounds"), ("__main__",)."""
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).with_suffix("").parts
        if place[-1] != "__init__":
            yield place, file


@cache
def arrows() -> dict[str, frozenset[str]]:
    """Return for each room the other rooms that its files import."""
    stands_on: dict[str, set[str]] = {}
    for (room, *_), file in modules():
        others = {place[0] for place in of_the_course(file.read_text(encoding="utf-8"))}
        stands_on.setdefault(room, set()).update(others - {room})
    return {room: frozenset(others) for room, others in stands_on.items()}


def floors(stands_on: dict[str, frozenset[str]]) -> list[list[str]]:
    """Return the rooms by floor, each as low as the rooms that import it allow."""
    below: dict[str, int] = {}

    def depth(room: str) -> int:
        if room not in below:
            users = (user for user, others in stands_on.items() if room in others)
            below[room] = 1 + max(map(depth, users), default=-1)
        return below[room]

    deepest = max(map(depth, stands_on))
    return [
        sorted(room for room in stands_on if below[room] == level)
        for level in range(deepest, -1, -1)
    ]


def in_columns(
    levels: Sequence[Sequence[Hashable]], lines: Iterable[tuple[Hashable, Hashable]]
) -> list[list[Hashable]]:
    """Return the floors, each ordered so that what hangs together stands below one another."""
    partners: dict[Hashable, list[Hashable]] = {thing: [] for level in levels for thing in level}
    for above, below in lines:
        partners[above].append(below)
        partners[below].append(above)
    ordered = [list(level) for level in levels]
    for sweep in range(2 * len(ordered)):
        for level in ordered if sweep % 2 == 0 else reversed(ordered):
            column = {
                thing: place - (len(other) - 1) / 2
                for other in ordered
                for place, thing in enumerate(other)
            }
            level.sort(
                key=lambda thing: (
                    sum(column[other] for other in partners[thing]) / max(len(partners[thing]), 1)
                )
            )
    return ordered


def direct(stands_on: dict[str, frozenset[str]]) -> set[tuple[str, str]]:
    """Return the arrows (below, above) that no longer path implies."""

    def reached(room: str) -> set[str]:
        return set().union(*({other} | reached(other) for other in stands_on[room]), set())

    return {
        (other, room)
        for room, others in stands_on.items()
        for other in others
        if not any(other in reached(third) for third in others - {other})
    }


def drawn() -> str:
    """Return the picture as SVG."""
    stands_on = {room: others - {GROUND} for room, others in arrows().items() if room != GROUND}
    levels: list[list[Hashable]] = [list(level) for level in floors(stands_on)]
    floor = {room: number for number, level in enumerate(levels) for room in level}
    paths = []
    for above, below in sorted(direct(stands_on)):
        # A long arrow gets a place on each floor that it passes, so that no room stands in its way.
        passed = [(above, below, level) for level in range(floor[above] + 1, floor[below])]
        for place in passed:
            levels[place[2]].append(place)
        paths.append([above, *passed, below])
    ordered = in_columns(levels, [pair for path in paths for pair in pairwise(path)])
    width = 2 * _EDGE + max(map(len, ordered)) * (_WIDE + _ACROSS) - _ACROSS
    middle = {
        thing: (
            width / 2 + (column - (len(level) - 1) / 2) * (_WIDE + _ACROSS),
            _EDGE + (number + 1) * (_HIGH + _DOWN),
        )
        for number, level in enumerate(ordered)
        for column, thing in enumerate(level)
    }
    parts = [_arrow([middle[thing] for thing in path]) for path in paths]
    parts.append(_box(GROUND, width / 2, _EDGE, width - 2 * _EDGE))
    parts += [_box(room, *middle[room], _WIDE) for room in sorted(stands_on)]
    height = 2 * _EDGE + (len(ordered) + 1) * (_HIGH + _DOWN) - _DOWN
    return _SVG.format(width=f"{width:g}", height=f"{height:g}", body="\n".join(parts))


def _arrow(places: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = places
    y += _HIGH
    path = f"M{x:g} {y:g}"
    for number, (to_x, to_y) in enumerate(rest, start=1):
        to_y -= 7 if number == len(rest) else 0
        bend = (to_y - y) / 2
        path += f" C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y:g}"
        if number < len(rest):
            to_y += _HIGH
            path += f" V{to_y:g}"
        x, y = to_x, to_y
    return f'<path class="arrow" marker-end="url(#tip)" d="{path}"/>'


def _box(room: str, middle: float, top: float, width: float) -> str:
    return (
        f'<rect class="room" x="{middle - width / 2:g}" y="{top:g}" width="{width:g}"'
        f' height="{_HIGH}" rx="4"/>'
        f'<text class="name" x="{middle:g}" y="{top + _HIGH / 2 + 5:g}">{escape(room)}</text>'
    )


_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The rooms of mbpo_teach; an arrow goes from a room to one that imports it</title>
<style>
.page {{ fill: #ffffff }}
.room {{ fill: #e8f1f8; stroke: #0072b2; stroke-width: 1.2 }}
.name {{ font: 14px sans-serif; text-anchor: middle; fill: #1a1a1a }}
.arrow {{ fill: none; stroke: #666666; stroke-width: 1.2 }}
</style>
<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="3" refY="4" orient="auto">
<path d="M0 0 L8 4 L0 8 z" fill="#666666"/></marker></defs>
<rect class="page" width="{width}" height="{height}"/>
{body}
</svg>
"""


def main() -> None:
    """Draw the picture of docs/architecture.md."""
    PICTURE.write_text(drawn(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
