"""What one pass over the data computes: the numbers of enum fl_operation in src_c/fastloss.h."""

from enum import IntEnum


class Operation(IntEnum):
    """One pass."""

    VALUE = 0
    GRADIENT = 1
    VALUE_GRADIENT = 2
    EXACT = 3  # gradient and the exact Hessian diagonal
    MAJORIZE = 4
    FISHER = 5


CURVATURE = {
    "exact": Operation.EXACT,
    "majorize": Operation.MAJORIZE,
    "fisher": Operation.FISHER,
    "floor": Operation.EXACT,
}
