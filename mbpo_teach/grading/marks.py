"""A mark: what one student gets for one exercise, and why.

The reason is a key of the catalogue and its values, so that a report is written in the language
of whoever reads it.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.ground import language

STATUSES = ("passed", "wrong", "missing", "rejected", "timeout", "crashed", "not_graded")
"""`not_graded` is the grader's own fault; it is never silently zero."""


MAX_TEXT = 300
"""Characters of a student's own text that a reason tells."""

Reason = tuple[str, dict[str, Any]]
"""A key of the catalogue, and the values for its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One student, one exercise.

    `exercise` is empty where a file could not be read and nothing says which chapter it is.
    `notes` are remarks that cost nothing, such as that answer cells were joined.
    """

    student: str
    chapter: str
    exercise: str
    points: float
    max_points: float
    status: str
    reason: Reason | None = None
    notes: tuple[Reason, ...] = field(default=())

    def why(self) -> str:
        """Return reason and notes as sentences in the current language."""
        told = ([self.reason] if self.reason else []) + list(self.notes)
        return language.join(_sentence(key, values) for key, values in told)

    def as_dict(self) -> dict[str, Any]:
        """Return the mark as it stands in a report's JSON."""
        return asdict(self)


def mark(
    student: str,
    exercise: Exercise,
    status: str,
    key: str = "",
    notes: tuple[Reason, ...] = (),
    **values: Any,
) -> Mark:
    """Return the mark of a student for an exercise; only ``"passed"`` gets its points.

    Raises
    ------
    ValueError
        If `status` is none of :data:`STATUSES`.
    """
    if status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}, not {status!r}")
    return Mark(
        student=student,
        chapter=exercise.id[:2],
        exercise=exercise.id,
        points=exercise.points if status == "passed" else 0.0,
        max_points=exercise.points,
        status=status,
        reason=(key, {name: _short(value) for name, value in values.items()}) if key else None,
        notes=notes,
    )


def from_dict(data: dict[str, Any]) -> Mark:
    """Return the mark that :meth:`Mark.as_dict` wrote, after its way through JSON."""
    reason = data["reason"]
    return Mark(
        **data
        | {
            "reason": (reason[0], reason[1]) if reason else None,
            "notes": tuple((key, values) for key, values in data["notes"]),
        }
    )


def printable(text: str) -> str:
    """Return one line of text that shows all that is in it: no controls, no change of direction."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _sentence(key: str, values: dict[str, Any]) -> str:
    """Return a reason in words; its value `because` is a key of the catalogue itself."""
    told = {name: _short(value) for name, value in values.items()}
    if "because" in values:
        told["because"] = language.text(values["because"])
    # An error's message is the student's own text, and a line break in it no harm.
    return "".join(char if char.isprintable() else " " for char in language.text(key, **told))


def _short(value: Any) -> Any:
    """Return the beginning of a text that a student may have made as long as a book."""
    is_long = isinstance(value, str) and len(value) > MAX_TEXT
    return f"{value[:MAX_TEXT]}…" if is_long else value
