"""Write docs/losses.md: every loss with its formula, facts and use, as its class and docstring state them.

``make catalogue`` writes the page; ``make test`` (``--check``) fails where it is not up to date.
"""

from __future__ import annotations

import sys

import generated

import fastloss as fl
from fastloss import description, multitask, penalties, registry

HEAD = """\
# The losses

Generated from the classes by `make catalogue`. Every loss is a class and, in snake_case, a function. `fastloss show
huber` prints one of them with parameters, notes and literature.

Facts are those of the default parameters. *Shape* is that in y_pred: with a *kink* the gradient jumps; a loss that is
*once smooth* has a continuous gradient, but a Hessian that jumps or has no bound; that of a *smooth* one is continuous.
*Target* is what y_true may hold, *activation* what `inverse_link` applies to y_pred. *Hessian* names the kinds beside
`"exact"` and `"floor"`, which every loss has.
"""


def table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [heading, ("---",) * len(heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def facts(loss: fl.Loss) -> tuple[str, ...]:
    """What the columns in the middle say."""
    kinds = ", ".join(kind for kind in loss.hessian_kinds if kind not in ("exact", "floor"))
    return description.shape(loss), loss.target_domain.expected, loss.activation, kinds or "-"


def of_task(task: str) -> str:
    """The losses of a task."""
    rows = []
    for name in fl.list_losses(task):
        cls, found = registry.loss_class(name), facts(fl.get_loss(name))
        if "from_logits" in fl.get_loss(name).params:
            others = facts(fl.get_loss(name, from_logits=True))
            pairs = zip(found, others, strict=True)
            found = tuple(fact if fact == other else f"{fact} (from logits: {other})" for fact, other in pairs)
        rows.append((f"`{description.signature(cls)}`", description.formula(cls), *found, cls.when))
    heading = ("loss", "formula", "shape", "target", "activation", "Hessian", "when to use it")
    return f"\n## {description.HEADINGS[task]}\n\n{table(heading, rows)}"


def of_classes(heading: str, sentence: str, classes: list[type]) -> str:
    """Classes that are not losses of one target."""
    rows = [(f"`{description.signature(cls)}`", description.formula(cls)) for cls in classes]
    return f"\n## {heading}\n\n{sentence}\n\n{table(('class', 'formula'), rows)}"


def of_embeddings() -> str:
    """Losses of pairs, triplets and batches."""
    rows = [
        (f"`{description.signature(cls)}`", f"`{', '.join(cls.arguments)}`", description.formula(cls), cls.when)
        for cls in map(registry.loss_class, fl.list_losses("embedding"))
    ]
    heading = ("loss", "called with", "formula", "when to use it")
    sentence = "With a gradient in each of the embeddings."
    return f"\n## {description.HEADINGS['embedding']}\n\n{sentence}\n\n{table(heading, rows)}"


def page() -> str:
    """The whole page."""
    added = [getattr(penalties, name) for name in penalties.__all__ if name != "Penalty"]
    masks, samples = ([*map(registry.loss_class, fl.list_losses(task))] for task in ("segmentation", "transport"))
    tasks = [*(getattr(multitask, name) for name in multitask.__all__), fl.WeightedSum]
    return "".join(
        (
            HEAD,
            *map(of_task, registry.TASKS),
            of_embeddings(),
            of_classes(description.HEADINGS["segmentation"], "On masks and probabilities: value and gradient.", masks),
            of_classes(description.HEADINGS["transport"], "With gradients in the samples of both.", samples),
            of_classes("Penalties", "On coefficients: value, gradient, Hessian and proximal operator.", added),
            of_classes("Several losses", "Of tasks with targets of their own, or of one target.", tasks),
        )
    )


if __name__ == "__main__":
    sys.exit(generated.main(generated.ROOT / "docs" / "losses.md", page(), "make catalogue"))
