"""What one pass over the data computes: the numbers of enum fl_operation in src_c/fastloss.h.

Plain integers, not an enum: looking up an enum's member costs as much as a small loss.
"""

from typing import Final

VALUE: Final = 0
GRADIENT: Final = 1
VALUE_GRADIENT: Final = 2
EXACT: Final = 3  # gradient and the exact Hessian diagonal
MAJORIZE: Final = 4
FISHER: Final = 5
SHARES: Final = 6  # gradient and probabilities
PRODUCT: Final = 7  # the Hessian times a vector

CURVATURE: Final = {"exact": EXACT, "majorize": MAJORIZE, "fisher": FISHER, "floor": EXACT}
