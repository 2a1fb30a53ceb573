"""The losses, one module per family."""

from fastloss.losses import binary, classes, counts, distributions, gaussian, regression

__all__ = ["binary", "classes", "counts", "distributions", "gaussian", "regression"]
