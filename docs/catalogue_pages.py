"""A Sphinx extension: the pages of the catalogue, one per loss, with its curves, from the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastloss as fl
from fastloss import drawing, elsewhere, multitask, penalties
from fastloss.description import HEADINGS


def _heading(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}\n\n"


def _page(folder: Path, name: str) -> str:
    """A loss: docstring, curves, and the code that asks other libraries for it."""
    loss = fl.get_loss(name)
    text = _heading(type(loss).__name__, "=")
    text += f".. autoclass:: fastloss.{type(loss).__name__}\n   :no-members:\n\n"
    try:
        drawing.write_png(folder / f"{name}.png", loss)
    except ValueError:  # a loss of more than a prediction and its target
        pass
    else:
        text += f".. image:: {name}.png\n   :alt: value and gradient of {name}\n\n"
    text += f"**When to use it.** {loss.when}\n\n"
    code = elsewhere.code(loss)
    if code:
        text += "**Elsewhere.**\n\n"
        text += "".join(f"- {library}: ``{line}``\n" for library, line in code.items())
    return text


def _write(app: Any) -> None:
    folder = Path(app.srcdir) / "catalogue"
    folder.mkdir(exist_ok=True)
    index = _heading("The losses one by one", "=")
    for task, heading in HEADINGS.items():
        names = fl.list_losses(task)
        index += (
            _heading(heading, "-") + ".. toctree::\n   :maxdepth: 1\n\n" + "".join(f"   {n}\n" for n in names) + "\n"
        )
        for name in names:
            _update(folder / f"{name}.rst", _page(folder, name))
    others = [
        *(getattr(penalties, name) for name in penalties.__all__ if name != "Penalty"),
        *(getattr(multitask, name) for name in multitask.__all__),
        fl.WeightedSum,
    ]
    index += _heading("Penalties, several losses", "-")
    index += "".join(f".. autoclass:: fastloss.{cls.__name__}\n   :no-members:\n\n" for cls in others)
    _update(folder / "index.rst", index)


def _update(path: Path, text: str) -> None:
    """Only what has changed: Sphinx reads anew what was written."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def setup(app: Any) -> dict[str, bool]:
    """Connect."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
