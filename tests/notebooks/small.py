"""A small chapter that follows every rule, for tests which break one at a time."""

from pathlib import Path

import chapters
from chapters import Chapter

SOURCE = '''\
# %% [markdown] tags=["lang-en"]
# # 09 · Small
#
# Objectives: one. Prerequisites: none. Reading time: 1 minute. Run time: 1 s.
# [中文](../zh/09_small.ipynb) · [glossary](../../docs/glossary.md)

# %% [markdown] tags=["lang-zh"]
# # 09 · 小章
#
# 学习目标：一个。预备知识：无。阅读时间：1 分钟。运行时间：1 秒。
# [English](../en/09_small.ipynb) · [术语表](../../docs/glossary.md)

# %%
import sys

print("progress", file=sys.stderr)

# %% [markdown] tags=["lang-en"]
# A passage. <details><summary>Hint</summary>Add one.</details>

# %% [markdown] tags=["lang-zh"]
# 一段话。<details><summary>提示</summary>加一。</details>

# %% mbpo={"exercise": "09-1", "role": "setup"}
step = 1

# %% mbpo={"exercise": "09-1", "role": "answer"}
def successor(number: int) -> int:
    """Return the next number."""
    ### BEGIN SOLUTION
    return number + step
    ### END SOLUTION

# %% mbpo={"exercise": "09-1", "role": "check"}
try:
    print("[09-1] right" if successor(1) == 2 else "[09-1] wrong")
except NotImplementedError:
    print("[09-1] not written yet")

# %% [markdown] tags=["lang-en"]
# ## Quiz
# One? <details>Yes.</details> Two? <details>No.</details>
#
# ## Take-aways
# One.
#
# ## References
# None.

# %% [markdown] tags=["lang-zh"]
# ## 小测
# 一？<details>是。</details>二？<details>否。</details>
#
# ## 要点
# 一条。
#
# ## 参考文献
# 无。
'''


def write(notebooks: Path, source: str = SOURCE, *, stamp: bool = True) -> Path:
    """Write the source below `notebooks` and return its path."""
    path = notebooks / "_source" / "09_small.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chapters.stamped(source) if stamp else source, encoding="utf-8")
    return path


def chapter(folder: Path, source: str = SOURCE) -> Chapter:
    """Return the chapter that a source makes."""
    return chapters.read(write(folder, source))


def replaced(old: str, new: str) -> str:
    """Return the source with one passage replaced, which has to be there."""
    assert old in SOURCE
    return SOURCE.replace(old, new)
