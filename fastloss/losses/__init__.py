"""The losses, one module per family."""

from fastloss.losses import (
    adversarial,
    binary,
    classes,
    counts,
    distributions,
    gaussian,
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
    "counts",
    "distributions",
    "gaussian",
    "pairs",
    "regression",
    "relative",
    "robust",
    "root",
]
