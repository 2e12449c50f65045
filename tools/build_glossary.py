"""Writes the glossary page docs/glossary.md from docs/glossary.yml."""

from pathlib import Path
from typing import Any

import yaml

from mbpo_teach.ground.files import write_whole

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEAD = """# Glossary · 术语表

Made from `glossary.yml` by `tools/build_glossary.py`: edit that file.
本页由 `glossary.yml` 生成，请修改该文件。
"""


def page(sections: list[dict[str, Any]]) -> str:
    """Return the glossary page in Markdown, one table for each section."""
    parts = [HEAD]
    for section in sections:
        rows = [
            f"| **{term['en']}** | **{term['zh']}** |"
            f" {_cell(term['definition_en'])} | {_cell(term['definition_zh'])} |"
            for term in section["terms"]
        ]
        parts.append(
            f"## {section['section_en']} · {section['section_zh']}\n\n"
            "| English | 中文 | meaning | 含义 |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def read(path: Path = DOCS / "glossary.yml") -> list[dict[str, Any]]:
    """Return the sections of the glossary."""
    sections: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return sections


def _cell(text: str) -> str:
    # A bare | would end the cell of the table.
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_whole(DOCS / "glossary.md", page(read()))
