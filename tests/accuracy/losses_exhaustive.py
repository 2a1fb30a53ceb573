"""The accuracy of losses over all float32 predictions: value, gradient and Hessian in ULP of the exact result.

    python tests/accuracy/losses_exhaustive.py --stride 4099            a sample: a minute
    python tests/accuracy/losses_exhaustive.py --stride 257 huber       of some losses

losses_exhaustive.c takes all of them, against the float64 kernels; this takes a sample, against the references.

Exact results are those of the loss's NumPy reference in float64 at the same predictions. A ULP is the distance of
neighbouring floats at the exact result, or at the largest term where the result is a difference (tests/bounds.py).
Exits 1 where an error exceeds its limit.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import fastloss as fl

sys.path.insert(0, str(Path(__file__).parents[1]))
from bounds import scales

CHUNK = 1 << 22
LIMIT = {"value": 2.0, "gradient": 2.0, "exact": 4.0}
# Above them; losses_exhaustive.c says why.
MORE = {
    "log_cosh": {"exact": 4.3},
    "binary_cross_entropy": {"gradient": 2.5, "exact": 4.3},
    "binary_focal": {"value": 9.0, "gradient": 11.0, "exact": 300.0},
}

# A loss and one target: of a residual loss the residual is then the prediction itself.
CASES: dict[str, tuple[fl.Loss, float]] = {
    "squared_error": (fl.SquaredError(), 0.0),
    "absolute_error": (fl.AbsoluteError(), 0.0),
    "huber": (fl.Huber(1.5), 0.0),
    "smooth_l1": (fl.SmoothL1(0.3), 0.0),
    "quantile": (fl.Quantile(0.9), 0.0),
    "log_cosh": (fl.LogCosh(), 0.0),
    "poisson, y = 0": (fl.Poisson(), 0.0),
    "gamma, y = 1": (fl.Gamma(), 1.0),
    "binary_cross_entropy, y = 0": (fl.BinaryCrossEntropy(from_logits=True), 0.0),
    "binary_cross_entropy, y = 1": (fl.BinaryCrossEntropy(from_logits=True), 1.0),
    "binary_focal, y = 0": (fl.BinaryFocal(from_logits=True), 0.0),
    "binary_focal, y = 1": (fl.BinaryFocal(from_logits=True), 1.0),
    "hinge": (fl.Hinge(), 1.0),
    "squared_hinge": (fl.SquaredHinge(), 1.0),
}


def ulp_error(got: np.ndarray, exact: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Distance in ULP of the scale; 0 where both are NaN, or infinite because float32 ends."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        unit = np.spacing(np.minimum(scale.astype(np.float32), np.finfo(np.float32).max)).astype(np.float64)
        error = np.abs(got.astype(np.float64) - exact) / unit
    return np.where((got == rounded) | (np.isnan(got) & np.isnan(exact)), np.where(np.isinf(got), 0, error), error)


def measure(name: str, stride: int, chunk: int) -> dict[str, tuple[float, float]]:
    """The largest error of each quantity in one chunk, and the prediction that has it."""
    loss, target = CASES[name]
    bits = (np.arange(CHUNK, dtype=np.uint64) + chunk * CHUNK) * stride
    z = bits[bits < 1 << 32].astype(np.uint32).view(np.float32)
    z = z[~np.isnan(z)]
    if not z.size:
        return {}
    y = np.full(z.shape, target, np.float32)
    value, gradient = loss.value_and_gradient(y, z, reduction="none", n_threads=1)
    _, hessian = loss.gradient_and_hessian(y, z, reduction="none", n_threads=1)
    with np.errstate(all="ignore"):
        results = loss.reference(y.astype(np.float64), z.astype(np.float64))
        exact = {
            key: np.broadcast_to(np.asarray(x, np.float64), z.shape) for key, x in zip(LIMIT, results, strict=True)
        }
        scale = scales(loss, y, z, exact)
    found = {}
    for quantity, got in zip(LIMIT, (value, gradient, hessian), strict=True):
        error = ulp_error(got, exact[quantity], scale[quantity])
        error = np.where(np.isnan(error), np.inf, error)
        at = int(np.argmax(error))
        found[quantity] = float(error[at]), float(z[at])
    return found


def main() -> int:
    """Measure the cases, one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("losses", nargs="*", help="names; default: all")
    parser.add_argument("--stride", type=int, default=4099, help="every so many bit patterns; odd")
    arguments = parser.parse_args()
    names = [case for case in CASES if not arguments.losses or case.split(",")[0] in arguments.losses]
    chunks = -(-(1 << 32) // (arguments.stride * CHUNK))
    failed = False
    with ProcessPoolExecutor() as pool:
        for name in names:
            worst: dict[str, tuple[float, float]] = dict.fromkeys(LIMIT, (0.0, 0.0))
            for done, found in enumerate(pool.map(partial(measure, name, arguments.stride), range(chunks)), 1):
                worst = {quantity: max(worst[quantity], found.get(quantity, (0.0, 0.0))) for quantity in LIMIT}
                if sys.stderr.isatty():
                    print(f"\r{name}: {100 * done // chunks} %", end="", file=sys.stderr, flush=True)
            limit = LIMIT | MORE.get(CASES[name][0].name, {})
            beyond = [quantity for quantity in LIMIT if worst[quantity][0] > limit[quantity]]
            failed |= bool(beyond)
            columns = "  ".join(f"{quantity} {error:6.3f} at {z.hex():24s}" for quantity, (error, z) in worst.items())
            print(
                f"{chr(13) if sys.stderr.isatty() else ''}{name:30s}{columns}{'  TOO LARGE' if beyond else ''}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
