"""The losses, one module per family."""

from fastloss.losses import (
    adversarial,
    binary,
    classes,
    contrast,
    counts,
    distributions,
    gaussian,
    margins,
    overlap,
    pairs,
    regression,
    relative,
    robust,
    root,
)

__all__ = [
    "adversarial",
    "binary",
    "classes",
    "contrast",
    "counts",
    "distributions",
    "gaussian",
    "margins",
    "overlap",
    "pairs",
    "regression",
    "relative",
    "robust",
    "root",
]
