"""Pointwise losses as one line of array code each, for the peers that run formulas.

NumPy, numexpr, numba, jax and torch have no losses of their own, or compile what a user writes; a user would write
these lines. They are the forms that were fastest in those peers: branch-free, one exponential where one is enough,
gradient and Hessian written out (jax.jit and torch.compile are 10 to 20 % faster on them than on their own
derivative of the value).

``y`` is the target, ``z`` the prediction, the parameters of the loss go by their names, numbers are plain.
Functions allowed: abs, arctan, exp, log, log1p, sqrt, tanh, where. Names g, h and i are the engines' own.

Softplus has log1p, as these libraries' own softplus has: log(1 + x) is up to twice as fast in jax and torch.compile,
and three to five times in numba, which calls log1p for each element; but it is 0 for every x below the type's epsilon,
and with it the loss of every sample that is classified well.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "FORMULAS",
    "FUNCTIONS",
    "Formula",
    "formula_of",
    "is_constant",
    "python_function",
    "with_literals_called",
]

FUNCTIONS = ("abs", "arctan", "exp", "log", "log1p", "sqrt", "tanh", "where")


@dataclass(frozen=True)
class Formula:
    """Value, gradient and Hessian of one element.

    Parameters
    ----------
    value, gradient, hessian : str
        Expressions in y, z, the parameters and the names of `let`.
    let : tuple of (str, str)
        Names for parts that several of the three need, in order.
    """

    value: str
    gradient: str
    hessian: str
    let: tuple[tuple[str, str], ...] = ()

    def expressions(self, operation: str) -> tuple[str, ...]:
        """The expressions that an operation needs, in the order in which it returns them."""
        return {
            "value": (self.value,),
            "value_and_gradient": (self.value, self.gradient),
            "gradient_and_hessian": (self.gradient, self.hessian),
        }[operation]

    def lets(self, operation: str) -> list[tuple[str, str]]:
        """The definitions an operation needs: the others would cost time in engines that do not delete dead code."""
        needed = {name for expression in self.expressions(operation) for name in _names(expression)}
        kept: list[tuple[str, str]] = []
        for name, definition in reversed(self.let):
            if name in needed:
                needed |= _names(definition)
                kept.insert(0, (name, definition))
        return kept


def _names(expression: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}


_RESIDUAL = (("r", "z - y"),)
_TUBE = (("r", "z - y"), ("m", "abs(r) - epsilon"))
_SCALED = (("r", "z - y"), ("u", "r / c"), ("q", "u * u"))
_ROOT = (("r", "z - y"), ("u", "r / c"), ("s", "sqrt(1.0 + u * u)"))
_LOGISTIC = (("e", "exp(-abs(z))"), ("p", "where(z >= 0.0, 1.0, e) / (1.0 + e)"))
_SIGN = (("s", "2.0 * y - 1.0"), ("m", "1.0 - s * z"))
# q is the probability of the wrong label, l = -log(1 - q); both keep their digits in the tails.
_FOCAL = (
    ("s", "2.0 * y - 1.0"),
    ("x", "s * z"),
    ("e", "exp(-abs(x))"),
    ("l", "where(x < 0.0, -x, 0.0) + log1p(e)"),
    ("q", "where(x >= 0.0, e, 1.0) / (1.0 + e)"),
    ("c", "1.0 - q"),
)
# k is the probability of the wrong label, less the margin for negatives; t = 1 - k, l = log t; d is dk/dz.
_ASYMMETRIC = (
    *_LOGISTIC,
    ("u", "where(z >= 0.0, e, 1.0) / (1.0 + e)"),
    ("q", "where(p > margin, p - margin, 0.0)"),
    ("k", "where(y > 0.0, u, q)"),
    ("t", "where(y > 0.0, p, 1.0 - q)"),
    ("l", "log(t)"),
    ("n", "where(y > 0.0, u ** (gamma_pos - 1.0), q ** (gamma_neg - 1.0))"),
    ("m", "where(y > 0.0, (gamma_pos - 1.0) * u ** (gamma_pos - 2.0), (gamma_neg - 1.0) * q ** (gamma_neg - 2.0))"),
    ("gamma", "where(y > 0.0, gamma_pos, gamma_neg)"),
    ("d", "where(y > 0.0, -p, p) * u"),
    ("f", "n * (k / t - gamma * l)"),
)

_CROSS_ENTROPY = Formula("where(z > 0.0, z, 0.0) + log1p(e) - y * z", "p - y", "p * (1.0 - p)", _LOGISTIC)

FORMULAS: dict[tuple[str, tuple[tuple[str, Any], ...]], Formula] = {
    # (loss, the options under which the formula holds): options not named may have any value they can have in it
    ("squared_error", ()): Formula("r * r", "2.0 * r", "2.0", _RESIDUAL),
    ("half_squared_error", ()): Formula("0.5 * r * r", "r", "1.0", _RESIDUAL),
    ("absolute_error", ()): Formula("abs(r)", "where(r > 0.0, 1.0, where(r < 0.0, -1.0, 0.0))", "0.0", _RESIDUAL),
    ("huber", ()): Formula(
        "where(a <= delta, 0.5 * r * r, delta * (a - 0.5 * delta))",
        "where(r > delta, delta, where(r < -delta, -delta, r))",
        "where(a <= delta, 1.0, 0.0)",
        (("r", "z - y"), ("a", "abs(r)")),
    ),
    ("smooth_l1", ()): Formula(
        "where(a < beta, 0.5 * r * r / beta, a - 0.5 * beta)",
        "where(r > beta, 1.0, where(r < -beta, -1.0, r / beta))",
        "where(a < beta, 1.0 / beta, 0.0)",
        (("r", "z - y"), ("a", "abs(r)")),
    ),
    ("pseudo_huber", ()): Formula(
        "r * r / (1.0 + s)",
        "r / s",
        "1.0 / (s * s * s)",
        (("r", "z - y"), ("u", "r / delta"), ("s", "sqrt(1.0 + u * u)")),
    ),
    ("log_cosh", ()): Formula(
        "a + log1p(exp(-2.0 * a)) - 0.6931471805599453",
        "t",
        "1.0 - t * t",
        (("r", "z - y"), ("a", "abs(r)"), ("t", "tanh(r)")),
    ),
    ("quantile", ()): Formula(
        "where(r > 0.0, (1.0 - quantile) * r, -quantile * r)",
        "where(r > 0.0, 1.0 - quantile, where(r < 0.0, -quantile, 0.0))",
        "0.0",
        _RESIDUAL,
    ),
    ("expectile", ()): Formula(
        "w * r * r",
        "2.0 * w * r",
        "2.0 * w",
        (("r", "z - y"), ("w", "where(r > 0.0, 1.0 - expectile, expectile)")),
    ),
    ("epsilon_insensitive", ()): Formula(
        "where(m > 0.0, m, 0.0)", "where(m > 0.0, where(r > 0.0, 1.0, -1.0), 0.0)", "0.0", _TUBE
    ),
    ("squared_epsilon_insensitive", ()): Formula(
        "where(m > 0.0, m * m, 0.0)",
        "where(m > 0.0, where(r > 0.0, 2.0 * m, -2.0 * m), 0.0)",
        "where(m > 0.0, 2.0, 0.0)",
        _TUBE,
    ),
    ("fair", ()): Formula(
        "c * c * (u - log(t))", "r / t", "1.0 / (t * t)", (("r", "z - y"), ("u", "abs(r) / c"), ("t", "1.0 + u"))
    ),
    ("smooth_quantile", ()): Formula(
        "width * (where(x > 0.0, x, 0.0) + log1p(e)) - quantile * r",
        "p - quantile",
        "p * (1.0 - p) / width",
        (
            ("r", "z - y"),
            ("x", "r / width"),
            ("e", "exp(-abs(x))"),
            ("p", "where(x >= 0.0, 1.0, e) / (1.0 + e)"),
        ),
    ),
    ("lq", ()): Formula(
        "m * p",
        "where(r > 0.0, q, -q) * p",
        "q * (q - 1.0) * m ** (q - 2.0)",
        (("r", "z - y"), ("m", "abs(r)"), ("p", "m ** (q - 1.0)")),
    ),
    ("linex", ()): Formula(
        "b * (e - x - 1.0)",
        "a * b * (e - 1.0)",
        "a * a * b * e",
        (("x", "a * (z - y)"), ("e", "exp(x)")),
    ),
    ("squared_log_error", ()): Formula(
        "0.5 * d * d", "d / t", "(1.0 - d) / (t * t)", (("t", "1.0 + z"), ("d", "log(t / (1.0 + y))"))
    ),
    ("absolute_percentage_error", (("zero", "inf"),)): Formula(
        "abs(r) * d",
        "where(r > 0.0, d, where(r < 0.0, -d, 0.0))",
        "0.0",
        (("r", "z - y"), ("d", "1.0 / abs(y)")),
    ),
    ("symmetric_absolute_percentage_error", ()): Formula(
        "2.0 * abs(r) / t",
        "f",
        "where(z > 0.0, -2.0, 2.0) * f / t",
        (
            ("r", "z - y"),
            ("t", "abs(y) + abs(z)"),
            ("d", "4.0 * abs(y) / (t * t)"),
            ("f", "where(y * z > 0.0, where(r > 0.0, d, where(r < 0.0, -d, 0.0)), 0.0)"),
        ),
    ),
    ("wing", (("w", 10.0), ("epsilon", 2.0))): Formula(
        "where(m < w, w * log1p(m / epsilon), m - w + 17.917594692280552)",  # 10 log(1 + 10/2)
        "where(r > 0.0, d, where(r < 0.0, -d, 0.0))",
        "where(m < w, -w / (t * t), 0.0)",
        (("r", "z - y"), ("m", "abs(r)"), ("t", "epsilon + m"), ("d", "where(m < w, w / t, 1.0)")),
    ),
    ("cauchy", ()): Formula("0.5 * c * c * log(t)", "r / t", "(2.0 / t - 1.0) / t", (*_SCALED, ("t", "1.0 + q"))),
    ("geman_mcclure", ()): Formula(
        "0.5 * r * r * t", "r * t * t", "(4.0 * t - 3.0) * t * t", (*_SCALED, ("t", "1.0 / (1.0 + q)"))
    ),
    ("welsch", ()): Formula("0.5 * c * c * (1.0 - e)", "r * e", "(1.0 - 2.0 * q) * e", (*_SCALED, ("e", "exp(-q)"))),
    ("tukey", ()): Formula(
        "c * c / 6.0 * (1.0 - t * t * t)",
        "r * t * t",
        "t * (5.0 * t - 4.0)",
        (*_SCALED, ("t", "where(q < 1.0, 1.0 - q, 0.0)")),
    ),
    ("arctan", ()): Formula(
        "0.5 * c * c * arctan(q)", "r * t", "(4.0 * t - 3.0) * t", (*_SCALED, ("t", "1.0 / (1.0 + q * q)"))
    ),
    # alpha = 1 is a square root
    ("general_robust", (("alpha", 1.0),)): Formula("s - 1.0", "r / (c * c * s)", "1.0 / (c * c * s * s * s)", _ROOT),
    ("adaptive_robust", (("alpha", 1.0), ("c", 1.0))): Formula(
        "s + 0.18549523234919296", "r / s", "1.0 / (s * s * s)", _ROOT
    ),
    ("poisson", (("link", "log"), ("full", False))): Formula("m - y * z", "m - y", "m", (("m", "exp(z)"),)),
    ("gamma", (("link", "log"),)): Formula("z + q", "1.0 - q", "q", (("q", "y * exp(-z)"),)),
    ("inverse_gaussian", ()): Formula(
        "t * (0.5 * q - 1.0)", "t * (1.0 - q)", "t * (2.0 * q - 1.0)", (("t", "exp(-z)"), ("q", "y * t"))
    ),
    # with power = 3/2 both powers of the mean come from one exponential
    ("tweedie", (("power", 1.5), ("link", "log"))): Formula(
        "2.0 * (m + l)", "m - l", "0.5 * (m + l)", (("m", "exp(0.5 * z)"), ("l", "y / m"))
    ),
    ("negative_binomial", ()): Formula(
        "(y + 1.0 / theta) * log(t) - y * z",
        "(m - y) / t",
        "m * (1.0 + theta * y) / (t * t)",
        (("m", "exp(z)"), ("t", "1.0 + theta * m")),
    ),
    ("binary_cross_entropy", (("from_logits", True), ("pos_weight", 1.0), ("label_smoothing", 0.0))): _CROSS_ENTROPY,
    (
        "binary_cross_entropy",
        (("from_logits", False), ("pos_weight", 1.0), ("label_smoothing", 0.0), ("clip", 0.0)),
    ): Formula(
        "-y * log(z) - (1.0 - y) * log1p(-z)",
        "(z - y) / (z * (1.0 - z))",
        "y / (z * z) + (1.0 - y) / ((1.0 - z) * (1.0 - z))",
    ),
    ("binary_focal", (("from_logits", True), ("alpha", None))): Formula(
        "q ** gamma * l",
        "-s * q ** gamma * (gamma * c * l + q)",
        "c * q ** gamma * (-gamma * q * l + gamma * gamma * c * l + (2.0 * gamma + 1.0) * q)",
        _FOCAL,
    ),
    ("hinge", ()): Formula("where(m > 0.0, m, 0.0)", "where(m > 0.0, -s, 0.0)", "0.0", _SIGN),
    ("hinge_embedding", ()): Formula(  # of labels 0 and 1
        "where(y > 0.0, z, where(m > 0.0, m, 0.0))",
        "where(y > 0.0, 1.0, where(m > 0.0, -1.0, 0.0))",
        "0.0",
        (("m", "margin - z"),),
    ),
    ("squared_hinge", ()): Formula(
        "where(m > 0.0, m * m, 0.0)", "where(m > 0.0, -2.0 * s * m, 0.0)", "where(m > 0.0, 2.0, 0.0)", _SIGN
    ),
    ("smooth_hinge", ()): Formula(
        "k * (m - 0.5 * k)",
        "-s * k",
        "where(m > 0.0, where(m <= 1.0, 1.0, 0.0), 0.0)",
        (*_SIGN, ("k", "where(m < 0.0, 0.0, where(m > 1.0, 1.0, m))")),
    ),
    ("modified_huber", ()): Formula(
        "k * (2.0 * m - k)",
        "-2.0 * s * k",
        "where(m > 0.0, where(m <= 2.0, 2.0, 0.0), 0.0)",
        (*_SIGN, ("k", "where(m < 0.0, 0.0, where(m > 2.0, 2.0, m))")),
    ),
    ("perceptron", ()): Formula(
        "where(x > 0.0, x, 0.0)", "where(x >= 0.0, -s, 0.0)", "0.0", (("s", "2.0 * y - 1.0"), ("x", "-s * z"))
    ),
    ("exponential", ()): Formula("e", "-s * e", "e", (("s", "2.0 * y - 1.0"), ("e", "exp(-s * z)"))),
    ("soft_margin", ()): _CROSS_ENTROPY,  # of labels 0 and 1
    ("asymmetric_focal", (("gamma_pos", 1.0), ("gamma_neg", 4.0), ("margin", 0.05))): Formula(
        "-k * n * l",
        "d * f",
        "d * (d * (n * (2.0 * gamma / t + k / (t * t)) - gamma * m * l) + f * (1.0 - 2.0 * p))",
        _ASYMMETRIC,
    ),
    ("brier", (("from_logits", True),)): Formula(
        "d * d",
        "2.0 * d * b",
        "2.0 * b * (b + d * (1.0 - 2.0 * p))",
        (*_LOGISTIC, ("d", "p - y"), ("b", "p * (1.0 - p)")),
    ),
    ("brier", (("from_logits", False),)): Formula("r * r", "2.0 * r", "2.0", _RESIDUAL),
    ("gan_discriminator", (("kind", "non_saturating"),)): _CROSS_ENTROPY,
    ("gan_generator", (("kind", "non_saturating"),)): Formula(  # y is 1
        "where(z < 0.0, -z, 0.0) + log1p(e)", "p - 1.0", "p * (1.0 - p)", _LOGISTIC
    ),
}


def formula_of(loss: str, params: Mapping[str, Any]) -> Formula | None:
    """The formula of a loss with these parameters, or None."""
    for (name, options), formula in FORMULAS.items():
        if name == loss and all(params.get(option, value) == value for option, value in options):
            return formula
    return None


def is_constant(expression: str, formula: Formula) -> bool:
    """True for a derivative that does not depend on the element, such as the Hessian of the squared error."""
    return not _names(expression) & {"y", "z", *dict(formula.let)}


class _LiteralsCalled(ast.NodeTransformer):
    """Puts every float literal into a call: compilers without weak scalars would go to float64 because of it."""

    def __init__(self, call: str) -> None:
        self.call = call

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, float):
            return node
        return ast.Call(func=ast.Name(id=self.call, ctx=ast.Load()), args=[node], keywords=[])


def with_literals_called(expression: str, call: str) -> str:
    """``0.5 * r`` as ``real(0.5) * r``."""
    return ast.unparse(ast.fix_missing_locations(_LiteralsCalled(call).visit(ast.parse(expression, mode="eval"))))


def python_function(
    formula: Formula, operation: str, namespace: Mapping[str, Any], params: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function of (y, z) for engines whose arrays understand operators: NumPy, jax, torch.

    Returns
    -------
    function
        Returns the mean value alone, (mean value, gradient) or (gradient, Hessian). Gradient and Hessian are those
        of the elements: a division by n would be one more pass for some engines, and is none of the loss's work.

    Notes
    -----
    `namespace` has the functions of the formula, ``mean`` and ``full(z, constant)``, which makes the array that a
    constant derivative is.
    """
    results = [
        part if not is_constant(part, formula) else f"full(z, {part})" for part in formula.expressions(operation)
    ]
    if operation.startswith("value"):
        results[0] = f"mean({results[0]})"
    lines = ["def run(y, z):"]
    lines += [f"    {name} = {definition}" for name, definition in formula.lets(operation)]
    lines += [f"    return {', '.join(results)}"]
    scope: dict[str, Any] = {**params, **namespace}
    exec("\n".join(lines), scope)  # our own table above, no input of anyone
    function: Callable[..., Any] = scope["run"]
    return function
