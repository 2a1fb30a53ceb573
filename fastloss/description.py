"""What a loss says about itself, in words: for the command line and for the page of the catalogue."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

from fastloss import elsewhere
from fastloss.loss import Loss
from fastloss.registry import ALIASES, call_signature

__all__ = ["HEADINGS", "defaults", "facts", "formula", "predictions", "sections", "shape", "signature", "text"]

# Of the tasks, for pages of the catalogue.
HEADINGS = {
    "regression": "Regression",
    "count": "Counts and positive amounts",
    "binary": "Two classes",
    "adversarial": "Generators and critics",
    "multiclass": "Many classes",
    "multilabel": "Many labels",
    "distribution": "Distributions",
    "embedding": "Pairs and embeddings",
    "segmentation": "Segmentation",
    "transport": "Samples on a line",
}

# By smoothness: in two words, and in more.
_WORDS = ("kink", "once smooth", "smooth")
_SENTENCES = (
    "a kink: the gradient jumps",
    "once continuously differentiable",
    "twice continuously differentiable",
)


def formula(cls: type[object]) -> str:
    """The first line of the docstring: what the loss is, with its formula."""
    return (inspect.getdoc(cls) or "").splitlines()[0]


def signature(cls: type[object]) -> str:
    """``Huber(delta=1.0)``."""
    return f"{cls.__name__}({', '.join(defaults(cls))})"


def defaults(cls: type[object]) -> list[str]:
    """The parameters with their defaults."""
    parameters = inspect.signature(cls).parameters.values()
    return [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]


def shape(loss: Loss) -> str:
    """Convexity and smoothness in a few words: ``convex, once smooth``."""
    return f"{'convex' if loss.convex else 'not convex'}, {_WORDS[loss.smoothness]}"


def predictions(loss: Loss) -> str:
    """What y_pred holds."""
    if loss.layout == "outputs":
        return f"rows of {' and '.join(loss.outputs)}"
    expected = loss.prediction_domain.expected
    return f"rows over the classes, each entry {expected}" if loss.layout == "classes" else expected


def facts(loss: Loss) -> dict[str, str]:
    """The facts that the class states."""
    return {
        "convex in y_pred": "yes" if loss.convex else "no",
        "smoothness": _SENTENCES[loss.smoothness],
        "y_true": loss.target_domain.expected,
        "y_pred": predictions(loss),
        "activation": loss.activation,
        "Hessian": ", ".join(loss.hessian_kinds),
        "additive": "yes" if loss.additive else "no: the whole is no mean over samples",
        "aliases": ", ".join(alias for alias, name in ALIASES.items() if name == loss.name) or "none",
    }


def sections(cls: type[object]) -> dict[str, str]:
    """The docstring by its headings; what stands above the first is under ``""``."""
    parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(cls) or "", flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], (part.strip() for part in parts[::2]), strict=True))


def _called(cls: Any) -> str:
    """``huber(y_true, y_pred, sample_weight=None, *, ...)``."""
    of = call_signature(cls)
    plain = [p.replace(annotation=p.empty) for p in of.parameters.values()]
    return f"{cls.name}{of.replace(parameters=plain, return_annotation=of.empty)}"


def text(loss: Any, width: int) -> str:
    """All of it as a page of plain text."""
    cls = type(loss)
    parts = sections(cls)
    lines = [
        *_filled(signature(cls), width, "    "),
        *_filled(_called(cls), width, "    "),
        "",
        *_paragraphs(parts.pop(""), width),
        "",
        *_filled(f"When to use it: {cls.when}", width),
    ]
    del parts["Examples"]
    for heading, body in parts.items():
        lines += ["", heading, *(f"  {line}".rstrip() for line in _paragraphs(body, width - 2))]
    others = elsewhere.code(loss)
    for heading, rows in (("Facts", facts(loss) if isinstance(loss, Loss) else {}), ("Elsewhere", others)):
        if rows:
            lines += ["", *_filled(heading + (f" of {loss!r}" if loss.params else ""), width, "    ")]
        names = max(map(len, rows), default=0) + 2
        for name, fact in rows.items():
            lines += _filled(fact, width, " " * (names + 2), first=f"  {name:<{names}}")
    return "\n".join(lines)


def _paragraphs(body: str, width: int) -> list[str]:
    """A section without its markup; parameters and references begin lines of their own."""
    plain = re.sub("`+", "", body).replace(".. [", "[")
    lines: list[str] = []
    for block in re.split(r"\n(?=\n|\[\d|\w+ : )", plain):
        head, _, rest = block.partition("\n")
        if not head:  # a new paragraph
            lines.append("")
            head, rest = rest, ""
        if re.match(r"\w+ : ", head):
            lines += [*_filled(head, width, " " * 8), *_filled(rest, width, "    ", first="    ")]
        else:
            lines += _filled(f"{head} {rest}", width, "    " if head.startswith("[") else "")
    return lines


def _filled(words: str, width: int, indent: str = "", *, first: str = "") -> list[str]:
    """Lines of that width, with what the first and the others begin with; addresses are not broken."""
    return textwrap.wrap(
        " ".join(words.split()),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
