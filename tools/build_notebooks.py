"""Builds the four editions of each chapter from ``notebooks/_source`` (docs/contributing.md).

python tools/build_notebooks.py            build every chapter whose source changed
python tools/build_notebooks.py 01         one chapter, if its source changed
python tools/build_notebooks.py --force 01 one chapter in any case
python tools/build_notebooks.py --stamp 01 declare its Chinese equal to its English
python tools/build_notebooks.py --check    say what is out of date; write nothing
"""

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

import chapters
import execution
from chapters import LANGUAGES, Chapter, SourceError
from execution import ExecutionError
from mbpo_teach.figures.style import cjk_font
from mbpo_teach.ground.files import write_whole

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
USUAL_BYTES, MOST_BYTES = 300_000, 500_000
SECONDS_PER_CHAPTER = 90


def sources(notebooks: Path, numbers: Sequence[str] = ()) -> list[Path]:
    """Return the chapter sources, all of them or those whose numbers are given."""
    found = sorted((notebooks / "_source").glob("[0-9][0-9]_*.py"))
    unknown = set(numbers) - {path.name[:2] for path in found}
    if unknown:
        raise SourceError(f"there is no source of chapter {', '.join(sorted(unknown))}")
    return [path for path in found if not numbers or path.name[:2] in numbers]


def edition_path(notebooks: Path, chapter: str, language: str, *, solutions: bool) -> Path:
    """Return where an edition of the chapter lies."""
    folder = chapters.edition_folder(language, solutions=solutions)
    return notebooks / folder / f"{chapter}.ipynb"


def out_of_date(chapter: Chapter, notebooks: Path) -> list[str]:
    """Return why the chapter has to be built, one sentence for each reason; empty if it has not."""
    reasons = [
        f"{chapter.name}: the English of {beginning!r} changed; look at the Chinese, then --stamp"
        for beginning in stale_cells(chapter)
    ]
    for language in LANGUAGES:
        for solutions in (False, True):
            path = edition_path(notebooks, chapter.name, language, solutions=solutions)
            where = path.relative_to(notebooks)
            if not path.exists():
                reasons.append(f"{where} does not exist")
                continue
            fresh = chapters.notebook(chapter, language, solutions=solutions)
            try:
                stored = nbformat.read(path, as_version=4)
                same_cells = _without_outputs(stored) == _without_outputs(fresh)
                same_source = stored.metadata == fresh.metadata
            except Exception:  # cut short, a folder, the marks of a merge, JSON of another kind
                reasons.append(f"{where} is not a notebook")
                continue
            if not same_source:
                reasons.append(f"{where} was not built from the present source")
            elif not same_cells:
                reasons.append(f"{where} was edited by hand: edit the source instead")
    return reasons


def stale_cells(chapter: Chapter) -> list[str]:
    """Return the first line of each English text that changed after its Chinese was stamped."""
    return [cell.text["en"].splitlines()[0][:50] for cell in chapter.cells if cell.stale]


def build(chapter: Chapter, notebooks: Path) -> dict[Path, str]:
    """Execute both languages and return the four editions as text, by path. Writes no file."""
    if stale := stale_cells(chapter):
        raise SourceError(
            f"{chapter.name}: the English of {stale[0]!r} changed; look at the Chinese, then run"
            f" tools/build_notebooks.py --stamp {chapter.name[:2]}"
        )
    if cjk_font() is None:
        raise ExecutionError("the pictures of the Chinese editions need a Chinese font installed")
    made = {}
    for language in LANGUAGES:
        folder = notebooks / language
        folder.mkdir(parents=True, exist_ok=True)
        executed = chapters.notebook(chapter, language, solutions=True)
        try:
            seconds = execution.execute(executed, language=language, folder=folder)
            execution.clean(executed)
        except ExecutionError as error:
            raise ExecutionError(f"{chapter.name}, {language}: {error}") from error
        slow = "" if seconds <= SECONDS_PER_CHAPTER else f", over {SECONDS_PER_CHAPTER} s"
        print(f"{chapter.name} {language}: ran in {seconds:.1f} s{slow}")
        for solutions in (True, False):
            edition = chapters.notebook(chapter, language, solutions=solutions)
            _copy_outputs(executed, edition)
            path = edition_path(notebooks, chapter.name, language, solutions=solutions)
            made[path] = nbformat.writes(edition, version=4) + "\n"
    return made


def main(arguments: Sequence[str] | None = None, notebooks: Path = NOTEBOOKS) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the editions of the chapters.")
    parser.add_argument("chapter", nargs="*", help="chapter numbers such as 01; none means all")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--stamp", action="store_true", help="declare the Chinese up to date")
    mode.add_argument("--check", action="store_true", help="say what is out of date")
    mode.add_argument("--force", action="store_true", help="build in any case")
    options = parser.parse_args(arguments)
    failed = False
    try:
        paths = sources(notebooks, options.chapter)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    for path in paths:
        try:
            failed |= _one(path, notebooks, options)
        except (SourceError, ExecutionError, OSError) as error:
            # The other chapters still get their turn.
            print(f"not built: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def _one(path: Path, notebooks: Path, options: argparse.Namespace) -> bool:
    if options.stamp:
        write_whole(path, chapters.stamped(chapters.text(path), path.name))
        print(f"{path.stem}: stamped")
        return False
    chapter = chapters.read(path)
    reasons = out_of_date(chapter, notebooks)
    if options.check:
        for reason in reasons:
            print(reason)
        return bool(reasons)
    if not reasons and not options.force:
        print(f"{chapter.name}: up to date")
        return False
    for target, text in build(chapter, notebooks).items():
        write_whole(target, text)
        size = len(text.encode())
        if size > USUAL_BYTES:
            what = "too large" if size > MOST_BYTES else "large"
            print(f"{target.relative_to(notebooks)} is {what}: {size / 1000:.0f} KB")
    return False


def _copy_outputs(executed: nbformat.NotebookNode, edition: nbformat.NotebookNode) -> None:
    for done, cell in zip(executed.cells, edition.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = copy.deepcopy(done.outputs)
            cell.execution_count = done.execution_count


def _without_outputs(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str, object]]:
    return [(cell.cell_type, cell.id, cell.source, cell.metadata) for cell in notebook.cells]


if __name__ == "__main__":
    sys.exit(main())
