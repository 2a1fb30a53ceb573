"""Fit the polynomial coefficients of vmath.h.

    python src_c/fit_coefficients.py            print every polynomial as it stands in vmath.h
    python src_c/fit_coefficients.py --check    exit 1 unless vmath.h holds exactly these constants

Each polynomial q(x) stands inside a formula such as exp(r) = 1 + r + r^2 q(r); what matters is the error
of the whole formula relative to its result, so the fit is minimax with the weight d(result)/dq / result.
Remez' exchange runs in 80 digits on a Chebyshev grid. A coefficient is rounded to float32 or float64
(lowest power first, as it weighs most) and the rest is fitted again to make up for the rounding.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

mp.dps = 80


def remez(x, target, weight, degree):
    """Coefficients of the polynomial minimising max |weight (p(x) - target)| over the grid, and that maximum.

    Exchanges all points at once while that raises the levelled error, else one at a time, which always does.
    """
    n = degree + 2  # points of alternation
    # The grid is Chebyshev-spaced, so equal steps in the index are close to the extrema.
    chosen = [round(i * (len(x) - 1) / (n - 1)) for i in range(n)]
    best, best_worst, highest_level = None, mp.inf, mpf(0)
    for _ in range(200):
        rows = mp.matrix(n, n)
        for row, i in enumerate(chosen):
            power = weight[i]
            for column in range(degree + 1):
                rows[row, column] = power
                power *= x[i]
            rows[row, degree + 1] = (-1) ** row
        solution = mp.lu_solve(rows, mp.matrix([weight[i] * target[i] for i in chosen]))
        coefficients, level = [solution[k] for k in range(degree + 1)], abs(solution[degree + 1])
        error = [w * (horner(coefficients, t) - g) for t, g, w in zip(x, target, weight, strict=True)]
        worst = max(map(abs, error))
        if worst < best_worst:
            best, best_worst = coefficients, worst
        if worst <= level * mpf("1.02"):
            break
        several = exchange_all(error, n) if level > highest_level else None
        highest_level = max(level, highest_level)
        chosen = several or exchange_one(error, chosen)
    return best, best_worst


def exchange_all(error, n):
    """Indices of n extrema with alternating signs, the largest among them; None if there are fewer."""
    extrema = [0]
    for i in range(1, len(error)):
        if (error[i] > 0) == (error[extrema[-1]] > 0):
            if abs(error[i]) > abs(error[extrema[-1]]):
                extrema[-1] = i
        else:
            extrema.append(i)
    while len(extrema) > n:
        if len(extrema) == n + 1:  # an end must go
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        else:  # a neighbouring pair must go, or the signs no longer alternate
            k = min(range(len(extrema) - 1), key=lambda k: max(abs(error[extrema[k]]), abs(error[extrema[k + 1]])))
            del extrema[k : k + 2]
    return extrema if len(extrema) == n else None


def exchange_one(error, chosen):
    """`chosen` with the largest error in the place of a neighbour of the same sign."""
    new = max(range(len(error)), key=lambda i: abs(error[i]))
    after = sum(i < new for i in chosen)
    for neighbour in (after - 1, after):
        if 0 <= neighbour < len(chosen) and (error[chosen[neighbour]] > 0) == (error[new] > 0):
            return [*chosen[:neighbour], new, *chosen[neighbour + 1 :]]
    return [new, *chosen[:-1]] if after == 0 else [*chosen[1:], new]


def horner(coefficients, x):
    """The polynomial at x."""
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * x + c
    return value


def round_to(bits, value):
    """`value` rounded to the nearest float of that size (a double carries it exactly)."""
    if bits == 64:
        return float(value)
    return float(np.float32(float(value)))


class Polynomial:
    """q of `degree[bits]` with result(x) = known(x) + factor(x) q(x): fitted relative to result."""

    def __init__(
        self, name, formula, result, known, factor, interval, degree, variable=lambda x, bits: x, scale=None, density=40
    ):
        self.name, self.formula, self.degree = name, formula, degree
        self.result, self.known, self.factor = result, known, factor
        self.interval, self.variable, self.density = interval, variable, density
        self.scale = scale or result  # the error is measured relative to this

    def fit(self, bits):
        """Coefficients for this precision; each is rounded before the higher ones are fitted."""
        degree = self.degree[bits]
        low, high = map(mpf, self.interval)
        size = self.density * (degree + 2) | 1
        grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + mpf(1) / 3) / size) for i in range(size)]
        grid = [x for x in grid if abs(x) > mpf(2) ** -40]
        x = [self.variable(v, bits) for v in grid]
        target = [(self.result(v) - self.known(v)) / self.factor(v) for v in grid]
        weight = [abs(self.factor(v) / self.scale(v)) for v in grid]
        rounded = []
        for k in range(degree + 1):
            coefficients, worst = remez(x, target, weight, degree - k)
            if k == 0:
                self.ideal = worst
            rounded.append(round_to(bits, coefficients[0]))
            target = [(g - mpf(rounded[-1])) / t for g, t in zip(target, x, strict=True)]
            weight = [w * abs(t) for w, t in zip(weight, x, strict=True)]
        self.reached = max(w * abs(g) for g, w in zip(target, weight, strict=True))
        return rounded


def literal(bits, value):
    """The value as C(hexadecimal float), shortest form."""
    mantissa, exponent = value.hex().split("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"C({mantissa}p{int(exponent)})"


# Where the first two coefficients happen to be a tenth of the usual distance from a float32 (float64), near the middle:
# 3/2 for lgamma; 1/2 for log1p_excess, in float32 nearer to 0, beside which the error is most in ULP.
LOG1P_EXCESS_CENTER = {32: mpf("0.2861328125"), 64: mpf("0.48046875")}
LGAMMA_CENTER = {32: mpf("1.46875"), 64: mpf("1.53125")}
half_ln2 = mp.log(2) / 2 * mpf("1.001")
POLYNOMIALS = [
    Polynomial(
        "exp_tail",
        "exp(r) = 1 + r + r^2 q(r)",
        lambda r: mp.expm1(r),
        lambda r: r,
        lambda r: r * r,
        (-half_ln2, half_ln2),
        {32: 4, 64: 9},
        scale=mp.exp,
    ),
    Polynomial(
        "expm1_tail",
        "expm1(r) = r + r^2 q(r)",
        lambda r: mp.expm1(r),
        lambda r: r,
        lambda r: r * r,
        (-half_ln2, half_ln2),
        {32: 5, 64: 10},
    ),
    Polynomial(
        "expm1_excess",
        "expm1(x) - x = x^2/2 + x^3 q(x)",
        lambda x: mp.expm1(x) - x,
        lambda x: x * x / 2,
        lambda x: x**3,
        (-mpf(3) / 2, mpf(3) / 2),
        {32: 7, 64: 14},
    ),
    Polynomial(
        "log1p_tail_unit",
        "log1p(e) = e + e^2 q(e - 1/2)",
        lambda e: mp.log1p(e),
        lambda e: e,
        lambda e: e * e,
        (mpf(0), mpf(1)),
        {32: 8, 64: 19},
        variable=lambda e, bits: e - mpf(1) / 2,
    ),
    Polynomial(
        "log1p_tail",
        "log1p(f) = f + f^2 q(f)",
        lambda f: mp.log1p(f),
        lambda f: f,
        lambda f: f * f,
        (-mpf(1) / 3, mpf(1) / 3),
        {32: 8, 64: 19},
    ),
    Polynomial(
        "log1p_excess",
        "f - log1p(f) = f^2 q(f - center)",
        lambda f: f - mp.log1p(f),
        lambda f: mpf(0),
        lambda f: f * f,
        (mpf(0), mpf(1)),
        {32: 9, 64: 20},
        variable=lambda f, bits: f - LOG1P_EXCESS_CENTER[bits],
    ),
    Polynomial(
        "log1p_both_tail",
        "(1 + r) log1p(r) + (1 - r) log1p(-r) = r^2 + r^4 q(r^2)",
        lambda r: 2 * r * mp.atanh(r) + mp.log1p(-r * r),
        lambda r: r * r,
        lambda r: r**4,
        (mpf(0), mpf(1) / 2),
        {32: 4, 64: 11},
        variable=lambda r, bits: r * r,
    ),
    Polynomial(
        "log_cosh_tail",
        "log cosh(a) = a^2/2 + a^4 q(a^2)",
        lambda a: mp.log(mp.cosh(a)),
        lambda a: a * a / 2,
        lambda a: a**4,
        (mpf(0), mpf(1)),
        {32: 5, 64: 14},
        variable=lambda a, bits: a * a,
    ),
    Polynomial(
        "tanh_tail",
        "tanh(a) = a + a^3 q(a^2)",
        lambda a: mp.tanh(a),
        lambda a: a,
        lambda a: a**3,
        (mpf(0), mpf("0.56")),
        {32: 4, 64: 11},
        variable=lambda a, bits: a * a,
    ),
    Polynomial(
        "atan_unit",
        "atan(x) = x + x^3 q(x^2)",
        mp.atan,
        lambda x: x,
        lambda x: x**3,
        (mpf(0), mpf(1)),
        {32: 8, 64: 18},
        variable=lambda x, bits: x * x,
    ),
    Polynomial(
        "erf_near",
        "erf(x) = x + x q(x^2)",
        mp.erf,
        lambda x: x,
        lambda x: x,
        (mpf(0), mpf(1)),
        {32: 6, 64: 11},
        variable=lambda x, bits: x * x,
    ),
    Polynomial(
        "erfcx",
        "erf(x) = 1 - exp(-x^2) q(x - 1)",
        mp.erf,
        lambda x: mpf(1),
        lambda x: -mp.exp(-x * x),
        (mpf(1), mpf(6)),
        {32: 8, 64: 19},
        variable=lambda x, bits: x - 1,
    ),
    Polynomial(
        "atanh_tail",
        "2 atanh(s) = 2 s + 2/3 s^3 + s^5 q(s^2)",
        lambda s: 2 * mp.atanh(s),
        lambda s: 2 * s + 2 * s**3 / 3,
        lambda s: s**5,
        (mpf(0), mpf("0.2")),
        {32: 3, 64: 8},
        variable=lambda s, bits: s * s,
    ),
    Polynomial(
        "lgamma_near",
        "lgamma(1 + y) = y (y - 1) q(y - center)",
        lambda y: mp.loggamma(1 + y),
        lambda y: mpf(0),
        lambda y: y * (y - 1),
        (mpf(0), mpf(3)),
        {32: 14, 64: 33},
        variable=lambda y, bits: y - LGAMMA_CENTER[bits],
        density=24,
    ),
    Polynomial(
        "stirling_tail",
        "lgamma(1 + y) = (y + 1/2) log y - y + log(2 pi)/2 + w q(w^2), w = 1/y",
        lambda w: mp.loggamma(1 + 1 / w) - ((1 / w + mpf(1) / 2) * mp.log(1 / w) - 1 / w + mp.log(2 * mp.pi) / 2),
        lambda w: mpf(0),
        lambda w: w,
        (mpf("0.0001"), mpf(1) / 3),
        {32: 3, 64: 9},
        variable=lambda w, bits: w * w,
        scale=lambda w: mp.loggamma(1 + 1 / w),
    ),
]


def main():
    """Print the coefficients, or compare them with vmath.h."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="verify that vmath.h holds these constants")
    parser.add_argument("--only", help="one polynomial by name")
    arguments = parser.parse_args()
    header = (Path(__file__).parent / "vmath.h").read_text() if arguments.check else ""
    missing = 0
    for polynomial in POLYNOMIALS:
        if arguments.only not in (None, polynomial.name):
            continue
        for bits in (32, 64):
            coefficients = [literal(bits, c) for c in polynomial.fit(bits)]
            if arguments.check:
                absent = [c for c in coefficients if c not in header]
                missing += len(absent)
                print(
                    f"{polynomial.name:16s} float{bits}  {'MISSING ' + ', '.join(absent) if absent else 'found'}",
                    flush=True,
                )
                continue
            digits = 24 if bits == 32 else 53
            print(f"/* {polynomial.name}, float{bits}: {polynomial.formula}")
            print(
                f"   error {float(polynomial.reached * 2**digits):.3f} x 2^-{digits} relative, "
                f"{float(polynomial.ideal * 2**digits):.3f} before the coefficients were rounded */"
            )
            print(",\n".join(coefficients))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
