"""How far from the exact result a number may be: measured, in units of the last place (ULP), as data.

An error is counted in ULP of a scale. The scale is the exact result itself, and then the bound is one of relative
precision, unless the result is a difference: mu - y of the Poisson loss cannot be more precise than its two terms, for
one of them is rounded. There the scale is the sum of the magnitudes of the terms, and SCALES says which they are.
A new loss is held to relative precision until its terms are written here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastloss as fl
from fastloss.loss import Loss
from fastloss.losses import terms

LONG = np.longdouble
QUANTITIES = ("value", "gradient", "exact", "majorize", "fisher")

# By loss and quantity, without weights, for any instruction set. The default allows for two or three rounded steps
# and an elementary function of 1 ULP; what needs more says why. Each figure is the largest error over 100,000 points
# that was measured (tools/precision.py), rounded up.
DEFAULT = {"value": 2.0, "gradient": 1.5, "exact": 2.0, "majorize": 2.0, "fisher": 2.0}
ULP: dict[str, dict[str, float]] = {
    "pseudo_huber": {"value": 2.6, "gradient": 1.8},  # r, q, the root, a quotient and products, each rounded
    "cauchy": {"exact": 2.3},
    "geman_mcclure": {"gradient": 2.2, "exact": 3.0},
    "tukey": {"value": 2.3, "gradient": 1.9},
    "general_robust": {"gradient": 2.2, "exact": 3.5, "majorize": 2.5},  # pow, exp, a division and products
    "adaptive_robust": {"gradient": 2.2, "exact": 3.5, "majorize": 2.5},
    "squared_log_error": {"value": 1.5, "exact": 2.3},
    "symmetric_absolute_percentage_error": {"gradient": 2.0, "exact": 2.7},
    "inverse_gaussian": {"gradient": 2.0},
    "tweedie": {"gradient": 2.0, "exact": 2.5, "fisher": 2.7},
    "asymmetric_focal": {"value": 2.7, "gradient": 3.0, "exact": 3.2},  # as binary_focal
    "brier": {"value": 3.3, "gradient": 2.9, "exact": 3.5},  # an exponential, squared
    "soft_margin": {"gradient": 2.1, "exact": 3.5, "fisher": 3.0},  # as binary_cross_entropy
    "gan_discriminator": {"gradient": 2.1, "exact": 3.5},
    "gan_generator": {"gradient": 2.1, "exact": 3.5},
    "expectile": {"value": 2.5},  # r, squared, times a rounded parameter
    # t is a rounded residual times an exponential, and everything has its square
    "gaussian_nll": {"value": 3.6, "gradient": 3.2, "exact": 3.2},
    "gaussian_crps": {"value": 2.8, "gradient": 2.4, "exact": 2.2},  # of the same t
    # both sides are products with rounded parameters; 1/(1 + E) enters the Hessian squared
    "binary_cross_entropy": {"value": 2.4, "gradient": 2.1, "exact": 3.5, "fisher": 3.0, "majorize": 2.2},
    "binary_focal": {"value": 2.5, "gradient": 3.0, "exact": 3.5, "fisher": 3.5},  # t, u, log t, u^gamma: each rounded
    # sums over up to 1000 classes of products with rounded weights and smoothed targets
    "categorical_cross_entropy": {"value": 2.8, "gradient": 2.0, "exact": 2.5, "majorize": 3.5, "fisher": 2.3},
    "sparse_categorical_cross_entropy": {"value": 3.0, "gradient": 2.0, "exact": 2.5},
    "kl_divergence": {"majorize": 3.5},
    # a power of a rounded probability, times a sum of rounded products
    "categorical_focal": {"value": 3.5, "gradient": 3.2, "exact": 3.3},
    "generalized_cross_entropy": {"value": 2.9, "gradient": 2.3, "exact": 2.6},
    "poly1": {"value": 2.9, "gradient": 2.3, "exact": 2.4},
    "categorical_brier": {"value": 2.7},
    "reverse_kl_divergence": {"value": 2.3},
    "total_variation": {"gradient": 1.6},
    "jensen_shannon": {"value": 3.5, "gradient": 2.0},  # r, two logarithms, products and a difference, each rounded
    "multi_margin": {"gradient": 2.1},  # twice a difference less a margin, times rounded weights
    # as binary_cross_entropy, times rounded weights
    "multi_label_soft_margin": {"value": 2.1, "gradient": 2.6, "exact": 3.3, "fisher": 3.3, "majorize": 2.3},
}

# A weight multiplies the value (one rounding) and, times the rounded 1 / total weight, gradient and curvature (two,
# three with the rounding of 1 / total weight).
EXTRA = {"value": 0.5, "gradient": 1.5, "exact": 1.5, "majorize": 1.5, "fisher": 1.5}


def allowed(loss: Loss, quantity: str) -> float:
    """The bound."""
    return ULP.get(loss.name, {}).get(quantity, DEFAULT[quantity])


def exact(loss: Loss, y: Any, z: Any) -> dict[str, Any]:
    """Every quantity of the loss, per element, from its reference in longdouble."""
    z = z.astype(LONG)
    y = y if loss.takes_labels else y.astype(LONG)
    found = dict(zip(QUANTITIES, loss.reference(y, z), strict=False))
    for kind in ("majorize", "fisher"):
        if kind in loss.hessian_kinds:
            found[kind] = getattr(loss, {"majorize": "majorizer"}.get(kind, kind))(y, z)
    return {key: np.asarray(value, LONG) for key, value in found.items()}


def scales(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The magnitude that each quantity's error is relative to."""
    result = {key: np.abs(value) for key, value in found.items()}
    if loss.name in SCALES:
        y = y if loss.takes_labels else y.astype(LONG)
        with np.errstate(all="ignore"):
            more = SCALES[loss.name](loss, y, z.astype(LONG), found)
        result |= {key: np.fmax(result[key], value) for key, value in more.items() if key in result}
    return result


def ulp_error(got: Any, want: Any, scale: Any = None) -> Any:
    """|got - want| in units of the dtype's eps times `scale`; infinities and NaNs must be the same.

    The unit is the ULP of a number just above a power of two, at most twice that of others; unlike the ULP itself it
    does not jump, so that a bound survives a product. Among subnormals it is their distance.
    """
    got, want = np.asarray(got), np.asarray(want, LONG)
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        scale = np.abs(want) if scale is None else np.broadcast_to(scale, want.shape)
        scale = np.where(np.isfinite(scale), scale, LONG(info.max))
        unit = np.maximum(LONG(info.eps) * scale, LONG(info.smallest_subnormal))
        error = np.abs(got.astype(LONG) - want) / unit
        overflows = np.isinf(got) & (np.abs(want) >= LONG(info.max) * (1 - LONG(info.eps)))
        same = (np.isnan(got) & np.isnan(want)) | (got == want) | (overflows & (np.sign(got) == np.sign(want)))
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


# -- differences, and the terms they are made of ----------------------------------------------------------------------

Terms = Callable[[Loss, Any, Any, dict[str, Any]], dict[str, Any]]


def _of_rounded_residual(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What follows from r = z - y, or r/c, is as wrong as a relative change of r makes it: |q| + |r dq/dr|."""
    r, h = z - y, LONG(2.0**-16)
    up, down = (exact(loss, y, y + r * (1 + change)) for change in (h, -h))
    return {key: np.abs(value) + np.abs(up[key] - down[key]) / (2 * h) for key, value in found.items()}


def _smooth_quantile(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    rounded = _of_rounded_residual(loss, y, z, found)
    below_normal = LONG(np.finfo(np.float32).tiny) / LONG(loss.width)  # what of exp(-|r|/h) is left there, times 1/h
    sides = {"gradient": rounded["gradient"] + np.abs(found["gradient"] - np.sign(z - y))}
    return rounded | sides | {"exact": rounded["exact"] + below_normal}


def _squared_log_error(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    d = found["gradient"] * (1 + z)
    return {"exact": (1 + np.abs(d)) / np.square(1 + z)}


def _epsilon_insensitive(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    a = np.abs(z - y)  # from which epsilon is taken
    inside = a <= LONG(loss.epsilon)
    scale = {"value": np.where(inside, 0, a)}
    return scale | ({"majorize": found["majorize"] ** 2 * a} if "majorize" in found else {})


def _hinge_embedding(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    """margin - z, of a margin that is rounded to the type."""
    d = np.abs(LONG(loss.margin) - z)
    terms = np.abs(z) + LONG(loss.margin)
    return {
        "value": np.where(y > 0, np.abs(z), terms),
        **({"majorize": found["majorize"] * (1 + terms / d)} if "majorize" in found else {}),
    }


def _squared_epsilon_insensitive(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    a, slope = np.abs(z - y), np.abs(found["gradient"])
    return {"value": found["value"] + slope * a, "gradient": np.where(slope > 0, 2 * a, 0)}


def _poisson(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    constant = np.abs(found["value"] - type(loss)(link=loss.link).reference(y, z)[0])
    if loss.link == "log":
        mu = np.exp(z)
        return {"value": mu + np.abs(y * z) + constant, "gradient": np.maximum(mu, y)}
    return {"value": z + np.where(y == 0, 0, np.abs(y * np.log(z))) + constant, "gradient": np.maximum(1, y / z)}


def _gamma(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    ratio = y * np.exp(-z)
    return {"value": np.abs(z) + ratio, "gradient": np.maximum(1, ratio)}


def _inverse_gaussian(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    i = np.exp(-z)
    return {"value": i + y * i**2 / 2, "gradient": i + y * i**2, "exact": i + 2 * y * i**2}


def _tweedie(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    if loss.power == 1:
        return _poisson(fl.Poisson(loss.link), y, z, found)
    if loss.power == 2 and loss.link == "log":
        return _gamma(loss, y, z, found)
    a, b = loss._exponents()
    if loss.link == "log":
        lower, upper = np.where(y == 0, 0, np.abs(y) * np.exp(a * z)), np.exp(b * z)
        return {
            "value": np.abs(lower / a) + np.abs(upper / b),
            "gradient": lower + upper,
            "exact": np.abs(a * lower) + np.abs(b * upper),
        }
    ratio = np.where(y == 0, 0, np.abs(y) / z)
    if loss.power == 2:
        return {"value": np.abs(np.log(z)) + ratio, "gradient": (1 + ratio) / z, "exact": (1 + 2 * ratio) / z**2}
    power = z**a
    return {
        "value": power * z / np.abs(b) + power * np.where(y == 0, 0, np.abs(y / a)),
        "gradient": power * (1 + ratio),
        "exact": power / z * (np.abs((1 - a) * ratio) + np.abs(a)),
    }


def _negative_binomial(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # two sides, of the score z + log theta, which is rounded
    shift, inverse, x = loss._score(z)
    p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    about = np.abs(x) + np.abs(shift)
    sides = inverse * p + y * q
    return {
        "value": inverse * np.logaddexp(0, x) + y * (np.logaddexp(0, -x) + np.abs(shift)) + about * sides,
        "gradient": sides * (1 + about),
        "exact": found["exact"] * (1 + about),
        "majorize": (inverse + y) / 4 * (1 + about),
        "fisher": inverse * p * (1 + about),
    }


def _gaussian_nll(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    constant = np.abs(found["value"] - type(loss)().reference(y, z)[0]) if loss.full else 0
    square = np.square((z[..., 0] - y) * np.exp(-z[..., 1]))
    terms = np.stack([0 * square, np.maximum(1, square)], axis=-1)
    return {"value": np.abs(z[..., 1]) + square / 2 + constant, "gradient": terms}


def _gaussian_crps(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # the density changes by w^2 times the rounding of w
    sigma = np.exp(z[..., 1])
    square = np.square((z[..., 0] - y) / sigma)
    density = np.where(square < 1e6, np.exp(-square / 2), 0)
    terms = sigma * (1 + np.where(density == 0, 0, square * density))
    bent = sigma * (1 + np.where(density == 0, 0, square * (1 + square) * density))
    return {
        "value": np.abs(found["value"]),
        "gradient": np.stack([np.abs(found["gradient"][..., 0]), terms], axis=-1),
        "exact": np.stack([found["exact"][..., 0] * (1 + square), bent], axis=-1),
    }


def _binary_cross_entropy(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # soft labels pull both ways
    negative, positive = loss._sides(y, np.dtype(LONG))
    if loss.from_logits:
        p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
        return {"gradient": negative * p + positive * q}
    return {"gradient": np.where(negative == 0, 0, negative / (1 - z)) + np.where(positive == 0, 0, positive / z)}


def _binary_focal(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # u^gamma multiplies the rounding of u by gamma; the Hessian has terms of both signs
    gamma, sign = loss.gamma, np.where(y > 0, 1, -1)
    alpha = np.where(y > 0, *loss._alphas())
    if loss.from_logits:
        t, u = 1 / (1 + np.exp(-sign * z)), 1 / (1 + np.exp(sign * z))
        ell = np.logaddexp(0, -sign * z)
        curvature = t * u**gamma * ((gamma**2 * t + gamma * u) * ell + (2 * gamma + 1) * u)
    else:
        t, u = np.where(y > 0, z, 1 - z), np.where(y > 0, 1 - z, z)
        ell = -np.log(t)
        bend = (gamma * abs(gamma - 1) * ell / u + 2 * gamma / t) / u if gamma else 0
        curvature = u**gamma * (bend + 1 / t**2)
    power = 1 + gamma / 2
    return {
        "value": power * np.abs(found["value"]),
        "gradient": power * np.abs(found["gradient"]),
        "exact": power * alpha * curvature,
        **({"fisher": power * found["fisher"]} if "fisher" in found else {}),
    }


def _asymmetric_focal(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # q^gamma multiplies the rounding of q = p - margin by gamma p/q; the Hessian has terms of both signs
    gamma = LONG(loss.gamma_neg)
    t, u = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    q, rest = np.maximum(t - LONG(loss.margin), 0), u + LONG(loss.margin)
    power = 1 + (1 + gamma / 2) * t / q
    ell, tu = -np.log(rest), t * u
    first = q**gamma * (gamma * ell / q + 1 / rest)
    second = q**gamma * (gamma * (np.abs(gamma - 1) * ell / q + 2 / rest) / q + 1 / rest**2)
    of_negative = {
        "value": power * np.abs(found["value"]),
        "gradient": power * np.abs(found["gradient"]),
        "exact": power * (second * tu + first) * tu,
    }
    of_positive = _binary_focal(fl.BinaryFocal(loss.gamma_pos, from_logits=True), y, z, found)
    plain = _binary_focal(fl.BinaryFocal(loss.gamma_neg, from_logits=True), y, z, found)
    return {
        key: np.where(y > 0, of_positive[key], np.where(q > 0, of_negative[key], 0) if loss.margin else plain[key])
        for key in of_positive
    }


def _brier(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # soft labels pull both ways
    if not loss.from_logits:
        return {}
    p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    sides = (1 - y) * p + y * q
    return {"value": sides**2, "gradient": 2 * sides * p * q, "exact": 2 * p * q * (p * q + sides)}


def _gan_discriminator(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    return _binary_cross_entropy(loss._same, y, z, found) if loss._same.name == "binary_cross_entropy" else {}


def _cross_entropy(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    if not loss.from_logits:
        return {}
    q, counts = loss._effective(y, z)
    result = _softmax(q, z)
    lse = z.max(-1) + result["log_sum"]
    about = np.abs(z).max(-1) + result["log_sum"]  # the sum of a score and a logarithm may cancel
    p, stretch = result["p"], result["stretch"]
    result["value"] += loss.z_loss * (np.abs(lse) + about) * about
    result["gradient"] += 2 * loss.z_loss * about[..., None] * p * stretch
    result["exact"] += 2 * loss.z_loss * (p**2 + about[..., None] * p * (1 - p)) * stretch
    return {
        key: np.where(counts if key == "value" else counts[..., None], result[key], 0)
        for key in ("value", "gradient", "exact")
    } | {"fisher": result["exact"]}


def _of_true_class(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # the rounded distances of the scores stretch p, 1 - p and the logarithm; a power multiplies that
    q, counts = loss._effective(y, z)
    if not loss.from_logits:  # exp(-q l) multiplies the error of l = -log p
        more = 1 + loss.params.get("q", 0) * np.abs(np.log(np.where(q > 0, z, 1)))
        return {key: np.abs(found[key]) * more for key in ("gradient", "exact")}
    result = _softmax(q, z)
    tiny = np.finfo(np.float32).tiny
    p, stretch = result["p"], result["stretch"]
    phi, A, B, _ = loss._phi(p, 1 - p, -np.log(np.maximum(p, np.finfo(z.dtype).tiny)))
    A, B = q * np.abs(A), q * np.abs(B)
    power = (1 + loss.params.get("gamma", 0) + loss.params.get("q", 0)) * stretch
    penalty, lse = LONG(loss.z_loss), np.abs(terms.log_sum_exp(z))

    def spread(own: Any, *of_others: tuple[Any, Any]) -> Any:
        """Each class's own part and, times a factor, the sums of the others'; each wrong by its power and by p."""
        parts = own * (power + stretch)
        for x, factor in of_others:
            sums = [y.sum(-1, keepdims=True) - y for y in (x, x * power)]
            parts = parts + factor * (sums[0] * stretch + sums[1])
        return parts

    gradient = spread((1 - p) * A, (A, p)) + 2 * penalty * lse * p * (stretch + 1)
    exact = spread((1 - p) * ((1 - p) * B + p * A), (A, p * (1 - p)), (B, p * p))
    exact = exact + 2 * penalty * (p * p + lse * p * (1 - p)) * (stretch + 1)
    # what a subnormal p loses is multiplied by -log p, a hundred
    exact = exact + np.where((p < tiny).any(-1, keepdims=True), 64 * tiny * q.sum(-1, keepdims=True), 0)
    slope = (A * power).sum(-1, keepdims=True)
    result = {
        "value": (q * np.abs(phi) * power).sum(-1) + (penalty * lse * (lse + np.abs(z).max(-1, keepdims=True)))[..., 0],
        "gradient": gradient,
        "exact": exact,
        "fisher": p * (1 - p) * (slope + stretch * A.sum(-1, keepdims=True)),
        "majorize": slope / 2,
    }
    return {key: np.where(counts if key == "value" else counts[..., None], size, 1) for key, size in result.items()}


def _multi_margin(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # z_k - z_y and the margin are rounded; a power multiplies that
    m, hot, weight = loss._inside(y, z)
    terms = np.where(hot | (m <= 0), 0, np.abs(m - LONG(loss.margin)) + LONG(loss.margin))
    share = weight / z.shape[-1]
    if loss.p == 1:
        return {"value": share * terms.sum(-1)}
    slopes = share[..., None] * 2 * terms
    gradient = np.where(hot, slopes.sum(-1, keepdims=True), slopes)
    return {"value": share * (2 * np.where(terms > 0, m, 0) * terms).sum(-1), "gradient": gradient}


def _categorical_hinge(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # likewise, of the nearest rival
    margin, weight = LONG(loss.margin), loss._inside(y, z)[2]
    return {"value": np.where(found["value"] > 0, np.abs(found["value"] - weight * margin) + weight * margin, 0)}


def _multi_label_soft_margin(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # soft labels pull both ways
    p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    return {"gradient": loss._share(z) * ((1 - y) * p + y * q)}


def _multi_label_margin(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # differences of scores, of which 1 is taken
    value = np.zeros_like(z[..., 0])
    for j in range(z.shape[-1]):
        d = z - z[..., [j]]
        value += np.where((y[..., [j]] == 1) & (y == 0) & (1 + d > 0), np.abs(d) + 1, 0).sum(-1)
    return {"value": value / z.shape[-1]}


def _kl_divergence(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    entropy = np.where(y == 0, 0, np.abs(y * np.log(y))).sum(-1)
    if loss.from_logits:
        result = _softmax(y, z)
        result["value"] += entropy
        return {key: result[key] for key in ("value", "gradient", "exact")} | {"fisher": result["exact"]}
    log_p = z if loss.from_log_probabilities else np.log(z)
    return {"value": entropy + np.where(y == 0, 0, np.abs(y * log_p)).sum(-1)}


def _by_slopes(loss: Loss, y: Any, z: Any, found: dict[str, Any]) -> dict[str, Any]:
    # what a rounded p makes of f, f' and p f'' is p f', p f'' and no more than p f'' again
    beyond = LONG(loss.name == "reverse_kl_divergence")  # f' has this constant, which softmax does not see
    tiny = LONG(np.finfo(np.float32).tiny)  # p may be rounded to a subnormal number
    t = loss._effective(y, z)[0]
    result = _softmax(t, z) if loss.from_logits else {"p": np.exp(z) if loss.from_log_probabilities else z}
    p = result["p"]
    f, slope, _, bend = loss._slope(t, p, p - t)
    steep = np.where(p == 0, 0, np.abs(slope))
    if loss.name == "total_variation":
        steep = steep * 0 + 0.5  # beside a tie, too
    if not loss.from_logits and not loss.from_log_probabilities:
        if loss.params.get("label_smoothing"):  # of a target that is rounded
            return {"value": (f + np.abs(slope) * t).sum(-1), "gradient": np.abs(slope) + 2 * t}
        return {"value": np.abs(f).sum(-1), "gradient": np.abs(slope) + beyond}
    second = bend * LONG(np.finfo(np.float32).eps)  # where f' is 0
    if loss.from_log_probabilities:
        terms = (p + tiny) * (steep + beyond + 2 * bend)
        return {"value": (np.abs(f) + p * (steep + beyond + second)).sum(-1), "gradient": terms, "exact": terms}
    stretched = result["p"] * result["stretch"]
    leads = p > 0.5
    c = np.where(leads, 1 - p, 1)  # of a leading class this is the share that is rounded

    def with_others(x: Any) -> Any:
        rest, lead = (np.where(which, x, 0).sum(-1, keepdims=True) for which in (~leads, leads))
        return rest + np.where(leads, 0, c * lead)

    off = c * (steep + bend) + with_others(stretched * (steep + bend))
    return {
        "value": (np.abs(f) + stretched * (steep + second + beyond * c)).sum(-1),
        "gradient": (stretched + tiny) * off,
        "exact": (stretched + tiny) * (off + c * c * bend + p * with_others(stretched * bend)),
    }


def _softmax(q: Any, z: Any) -> dict[str, Any]:
    """S lse - q z, S p - q and S p (1 - p), where each score's distance to the largest is rounded.

    exp(z_k - max) is wrong by half that distance in ULP, the sum of the others by their mean distance.
    """
    top = z.max(-1, keepdims=True)
    distance = top - z
    e = np.exp(-distance)
    p = e / e.sum(-1, keepdims=True)
    others = e.sum(-1) - 1
    log_sum = np.log1p(others)
    mean = (p * distance).sum(-1, keepdims=True)
    rest = np.where(p < 1, 1 - p, 1)
    stretch = 1 + (distance + mean + (mean - p * distance) / rest) / 2
    total = q.sum(-1, keepdims=True)
    hard = (q != 0).sum(-1, keepdims=True) == 1  # then S - q is exact
    leads = p > 0.5
    terms = total * np.where(leads, 1 - p, p) * stretch + np.where(hard & leads, 0, q + np.where(leads, total, 0))
    mean_of_others = np.where(others > 0, (e * distance).sum(-1) / np.where(others > 0, others, 1), 0)
    return {
        "value": (q * distance).sum(-1) + total[..., 0] * log_sum * (1 + mean_of_others / 2),
        "gradient": terms,
        "exact": total * p * (1 - p) * stretch,
        "log_sum": log_sum,
        "p": p,
        "stretch": stretch,
    }


SCALES: dict[str, Terms] = {
    **dict.fromkeys(
        (
            *("pseudo_huber", "log_cosh", "fair", "lq", "linex", "wing"),
            *("cauchy", "geman_mcclure", "welsch", "tukey", "arctan", "general_robust", "adaptive_robust"),
        ),
        _of_rounded_residual,
    ),
    "smooth_quantile": _smooth_quantile,
    "squared_log_error": _squared_log_error,
    "epsilon_insensitive": _epsilon_insensitive,
    "squared_epsilon_insensitive": _squared_epsilon_insensitive,
    "hinge_embedding": _hinge_embedding,
    "poisson": _poisson,
    "gamma": _gamma,
    "inverse_gaussian": _inverse_gaussian,
    "tweedie": _tweedie,
    "negative_binomial": _negative_binomial,
    "gaussian_nll": _gaussian_nll,
    "gaussian_crps": _gaussian_crps,
    "binary_cross_entropy": _binary_cross_entropy,
    "binary_focal": _binary_focal,
    "asymmetric_focal": _asymmetric_focal,
    "brier": _brier,
    "gan_discriminator": _gan_discriminator,
    "categorical_cross_entropy": _cross_entropy,
    "sparse_categorical_cross_entropy": _cross_entropy,
    "categorical_focal": _of_true_class,
    "generalized_cross_entropy": _of_true_class,
    "poly1": _of_true_class,
    "multi_margin": _multi_margin,
    "categorical_hinge": _categorical_hinge,
    "multi_label_soft_margin": _multi_label_soft_margin,
    "multi_label_margin": _multi_label_margin,
    "kl_divergence": _kl_divergence,
    **dict.fromkeys(("categorical_brier", "reverse_kl_divergence", "jensen_shannon", "total_variation"), _by_slopes),
}
