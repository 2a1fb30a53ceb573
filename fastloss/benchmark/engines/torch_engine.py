"""torch, eager: its own functions where it has them, forward and backward through autograd.

The tensors share the memory of the arrays and are prepared once; the graph is built anew in every call, as training
does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  the name everybody uses

from fastloss.benchmark.engines.engine import ArraysTask, Outputs, Program, Task
from fastloss.benchmark.engines.formulas import FUNCTIONS, formula_of, python_function
from fastloss.benchmark.engines.numpy_engine import outputs_of

__all__ = ["NAMESPACE", "Engine", "softmax_gradient_and_hessian", "value_function"]

Value = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (y, z) -> mean

NAMESPACE: dict[str, Any] = {name: getattr(torch, name) for name in FUNCTIONS}
NAMESPACE |= {"mean": torch.mean, "full": torch.full_like}


def _focal(p: dict[str, Any]) -> Value:
    """torchvision.ops.sigmoid_focal_loss, line by line."""

    def focal(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        probability = torch.sigmoid(z)
        ce = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        p_t = probability * y + (1 - probability) * (1 - y)
        loss = ce * ((1 - p_t) ** p["gamma"])
        if p["alpha"] is not None:
            loss = (p["alpha"] * y + (1 - p["alpha"]) * (1 - y)) * loss
        mean: torch.Tensor = loss.mean()
        return mean

    return focal


def _asymmetric_focal(p: dict[str, Any]) -> Value:
    """AsymmetricLoss of its authors (Alibaba-MIIL/ASL), line by line, its sum divided by n."""

    def asymmetric(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        probability = torch.sigmoid(z)
        rest = (1 - probability + p["margin"]).clamp(max=1)
        loss = y * torch.log(probability.clamp(min=1e-8)) + (1 - y) * torch.log(rest.clamp(min=1e-8))
        p_t = probability * y + rest * (1 - y)
        gamma = p["gamma_pos"] * y + p["gamma_neg"] * (1 - y)
        return -(loss * torch.pow(1 - p_t, gamma)).mean()

    return asymmetric


def _quantile(p: dict[str, Any]) -> Value:
    def quantile(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        r = y - z
        return torch.maximum(p["quantile"] * r, (p["quantile"] - 1) * r).mean()

    return quantile


def _smooth_quantile(p: dict[str, Any]) -> Value:
    def smooth_quantile(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        r = z - y
        mean: torch.Tensor = (p["width"] * F.softplus(r / p["width"]) - p["quantile"] * r).mean()
        return mean

    return smooth_quantile


def _log_cosh(p: dict[str, Any]) -> Value:
    def log_cosh(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        r = z - y
        return (r + F.softplus(-2.0 * r) - 0.6931471805599453).mean()

    return log_cosh


def _negative_binomial(p: dict[str, Any]) -> Value:
    """A softplus for each side: autograd of (y + 1/theta) softplus(x) - y x cancels, 2e-5 off in float32."""

    def negative_binomial(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        shift = math.log(p["theta"])
        x = z + shift
        mean: torch.Tensor = (F.softplus(x) / p["theta"] + y * (F.softplus(-x) + shift)).mean()
        return mean

    return negative_binomial


def _gaussian_nll(p: dict[str, Any]) -> Value:
    return lambda y, z: F.gaussian_nll_loss(z[:, 0], y, torch.exp(2.0 * z[:, 1]))


def _gaussian_crps(p: dict[str, Any]) -> Value:
    def crps(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        r, sigma = y - z[:, 0], torch.exp(z[:, 1])
        w = r / sigma
        twice_density = 0.7978845608028654 * torch.exp(-0.5 * w * w)
        return (r * torch.erf(0.7071067811865476 * w) + sigma * (twice_density - 0.5641895835477563)).mean()

    return crps


def _reverse_kl(y: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    return F.kl_div(y.log(), log_p, reduction="batchmean", log_target=True)


def _jensen_shannon(y: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    log_m = torch.log((y + log_p.exp()) / 2)
    to_m = F.kl_div(log_m, y, reduction="batchmean") + F.kl_div(log_m, log_p, reduction="batchmean", log_target=True)
    return to_m / 2


# (loss, form of the prediction) -> a function that makes the loss from our parameters.
# Options that a function here does not take make `value_function` say no (`KNOWN`).
LOSSES: dict[tuple[str, str], Callable[[dict[str, Any]], Value]] = {
    ("squared_error", "raw"): lambda p: lambda y, z: F.mse_loss(z, y),
    ("half_squared_error", "raw"): lambda p: lambda y, z: 0.5 * F.mse_loss(z, y),
    ("absolute_error", "raw"): lambda p: lambda y, z: F.l1_loss(z, y),
    ("huber", "raw"): lambda p: lambda y, z: F.huber_loss(z, y, delta=p["delta"]),
    ("smooth_l1", "raw"): lambda p: lambda y, z: F.smooth_l1_loss(z, y, beta=p["beta"]),
    ("log_cosh", "raw"): _log_cosh,
    ("quantile", "raw"): _quantile,
    ("squared_log_error", "raw"): lambda p: lambda y, z: 0.5 * F.mse_loss(torch.log1p(z), torch.log1p(y)),
    ("smooth_quantile", "raw"): _smooth_quantile,
    ("gaussian_nll", "raw"): _gaussian_nll,
    ("gaussian_crps", "raw"): _gaussian_crps,
    ("negative_binomial", "raw"): _negative_binomial,
    ("poisson", "raw"): lambda p: lambda y, z: F.poisson_nll_loss(z, y, log_input=True),
    ("gamma", "raw"): lambda p: lambda y, z: (z + y * torch.exp(-z)).mean(),
    ("binary_cross_entropy", "raw"): lambda p: lambda y, z: F.binary_cross_entropy_with_logits(z, y),
    ("binary_cross_entropy", "probability"): lambda p: lambda y, z: F.binary_cross_entropy(z, y),
    ("binary_focal", "raw"): _focal,
    ("hinge", "raw"): lambda p: lambda y, z: F.relu(1 - (2 * y - 1) * z).mean(),
    ("squared_hinge", "raw"): lambda p: lambda y, z: F.relu(1 - (2 * y - 1) * z).square().mean(),
    ("soft_margin", "raw"): lambda p: lambda y, z: F.soft_margin_loss(z, 2 * y - 1),
    ("asymmetric_focal", "raw"): _asymmetric_focal,
    ("brier", "raw"): lambda p: lambda y, z: F.mse_loss(torch.sigmoid(z), y),
    ("brier", "probability"): lambda p: lambda y, z: F.mse_loss(z, y),
    ("gan_discriminator", "raw"): lambda p: lambda y, z: F.binary_cross_entropy_with_logits(z, y),
    ("gan_generator", "raw"): lambda p: lambda y, z: F.binary_cross_entropy_with_logits(z, y),
    ("sparse_categorical_cross_entropy", "raw"): lambda p: lambda y, z: F.cross_entropy(z, y),
    ("sparse_categorical_cross_entropy", "probability"): lambda p: lambda y, z: F.nll_loss(torch.log(z), y),
    ("categorical_cross_entropy", "raw"): lambda p: lambda y, z: F.cross_entropy(z, y),
    ("kl_divergence", "raw"): lambda p: lambda y, z: F.kl_div(F.log_softmax(z, 1), y, reduction="batchmean"),
    ("negative_log_likelihood", "log_probability"): lambda p: lambda y, z: F.nll_loss(z, y),
    ("multi_margin", "raw"): lambda p: lambda y, z: F.multi_margin_loss(z, y, p=p["p"], margin=p["margin"]),
    ("multi_label_soft_margin", "raw"): lambda p: lambda y, z: F.multilabel_soft_margin_loss(z, y),
    ("kl_divergence", "probability"): lambda p: lambda y, z: F.kl_div(torch.log(z), y, reduction="batchmean"),
    ("kl_divergence", "log_probability"): lambda p: lambda y, z: F.kl_div(z, y, reduction="batchmean"),
    ("reverse_kl_divergence", "log_probability"): lambda p: _reverse_kl,
    ("jensen_shannon", "log_probability"): lambda p: _jensen_shannon,
    ("total_variation", "log_probability"): lambda p: lambda y, z: (z.exp() - y).abs().sum(1).mean() / 2,
    ("reverse_kl_divergence", "raw"): lambda p: lambda y, z: _reverse_kl(y, F.log_softmax(z, 1)),
    ("reverse_kl_divergence", "probability"): lambda p: lambda y, z: _reverse_kl(y, torch.log(z)),
    ("jensen_shannon", "raw"): lambda p: lambda y, z: _jensen_shannon(y, F.log_softmax(z, 1)),
    ("jensen_shannon", "probability"): lambda p: lambda y, z: _jensen_shannon(y, torch.log(z)),
    ("total_variation", "raw"): lambda p: lambda y, z: (F.softmax(z, 1) - y).abs().sum(1).mean() / 2,
    ("total_variation", "probability"): lambda p: lambda y, z: (z - y).abs().sum(1).mean() / 2,
}
# Options under which the functions above are the same loss.
SAME = {
    "link": "log", "full": False, "pos_weight": 1.0, "label_smoothing": 0.0, "clip": 0.0, "class_weight": None,
    "weight": None, "ignore_index": None, "kind": "non_saturating",
}  # fmt: skip


def _contrastive(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
    def contrastive(y: torch.Tensor, h1: torch.Tensor, h2: torch.Tensor) -> torch.Tensor:
        distance = F.pairwise_distance(h1, h2, eps=0.0)
        return (y * distance.square() + (1 - y) * F.relu(p["margin"] - distance).square()).mean() / 2

    return contrastive


def _triplet(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
    options = {name: p[name] for name in ("margin", "p", "swap")}
    # its 1e-6, added to every difference, would be another function
    return lambda anchor, positive, negative: F.triplet_margin_loss(anchor, positive, negative, **options, eps=0.0)


def _ntxent(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
    """Cross-entropy of the similarities, a view's own left out, with the other view as the label."""

    def ntxent(z1: torch.Tensor, z2: torch.Tensor) -> torch.Tensor:
        u = F.normalize(torch.cat([z1, z2]), dim=1)
        s = (u @ u.T / p["temperature"]).fill_diagonal_(-math.inf)
        return F.cross_entropy(s, torch.arange(len(u)).roll(len(z1)))

    return ntxent


def _supervised_contrastive(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
    def supervised_contrastive(labels: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        u = F.normalize(z, dim=1)
        s = (u @ u.T / p["temperature"]).fill_diagonal_(-math.inf)
        alike = (labels[:, None] == labels).fill_diagonal_(False)
        count = alike.sum(1)
        log_p: torch.Tensor = torch.where(alike, F.log_softmax(s, 1), 0).sum(1) / count
        return -log_p[count > 0].mean()

    return supervised_contrastive


def _overlap(ratio: Callable[..., torch.Tensor]) -> Callable[[dict[str, Any]], Callable[..., torch.Tensor]]:
    """A loss of masks from the sums of t p, t and p: over everything, or for each class."""

    def make(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
        def overlap(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
            axes = [axis for axis in range(y_pred.ndim) if axis != 1 or not p["per_class"]]
            both = (y_true * y_pred).sum(axes)
            mean: torch.Tensor = ratio(both, y_true.sum(axes), y_pred.sum(axes), p).mean()
            return mean

        return overlap

    return make


def _tversky(both: torch.Tensor, of_t: torch.Tensor, of_p: torch.Tensor, p: dict[str, Any]) -> torch.Tensor:
    agreed = both + p["smooth"]
    share: torch.Tensor = 1 - agreed / (agreed + p["alpha"] * (of_p - both) + p["beta"] * (of_t - both))
    focused: torch.Tensor = share ** p["gamma"]
    return focused


def _wasserstein(p: dict[str, Any]) -> Callable[..., torch.Tensor]:
    """As many samples of either, each of weight 1."""

    def wasserstein(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        mean: torch.Tensor = (u.sort().values - v.sort().values).abs().pow(p["p"]).mean() ** (1 / p["p"])
        return mean

    def earth_mover(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (u.sort().values - v.sort().values).abs().mean()

    return earth_mover if p["p"] == 1 else wasserstein


# Losses of several arrays: torch's functions, and what one writes where it has none.
OF_ARRAYS: dict[str, Callable[[dict[str, Any]], Callable[..., torch.Tensor]]] = {
    "contrastive": _contrastive,
    "triplet": _triplet,
    "cosine_embedding": lambda p: lambda y, h1, h2: F.cosine_embedding_loss(h1, h2, y, margin=p["margin"]),
    "cosine_similarity": lambda p: lambda h1, h2: -F.cosine_similarity(h1, h2, dim=-1).mean(),
    "margin_ranking": lambda p: lambda y, x1, x2: F.margin_ranking_loss(x1, x2, y, margin=p["margin"]),
    "ntxent": _ntxent,
    "supervised_contrastive": _supervised_contrastive,
    "dice": _overlap(lambda both, t, p, given: 1 - (2 * both + given["smooth"]) / (t + p + given["smooth"])),
    "jaccard": _overlap(lambda both, t, p, given: 1 - (both + given["smooth"]) / (t + p - both + given["smooth"])),
    "tversky": _overlap(_tversky),
    "wasserstein_1d": _wasserstein,
}


def value_function(task: Task) -> Value | None:
    """The mean loss as a function of tensors (y, z): torch's own, else the formula."""
    if any(task.params.get(name, value) != value for name, value in SAME.items()):
        return None
    if (make := LOSSES.get((task.loss, task.predictions))) is not None:
        return make(task.params)
    formula = formula_of(task.loss, task.params)
    return None if formula is None else python_function(formula, "value", NAMESPACE, task.params)


def softmax_gradient_and_hessian(y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return p - y and p (1 - p): torch has no diagonal of a Hessian, its users write this."""
    p = torch.softmax(z, 1)
    h = p * (1 - p)
    if y.ndim == 2:
        return p - y, h
    g = p.scatter_add(1, y[:, None], torch.full((len(y), 1), -1.0, dtype=z.dtype))
    return g, h


class Engine:
    """Eager mode: tensors prepared, ``autograd.grad`` of the mean."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self.versions = {"torch": torch.__version__}

    def program(self, task: Task) -> Program | None:
        """Value; value and gradient; gradient and Hessian by a second backward pass."""
        value = value_function(task)
        if value is None:
            return None
        y, z = torch.from_numpy(task.y), torch.from_numpy(task.z)
        names: dict[str, Any] = {"y": y, "z": z}
        samples = float(len(z))
        if task.operation == "value":
            return Program("f(y, z)", names | {"f": value}, lambda v: Outputs(value=v.item()), "torch function")
        if task.is_softmax_cross_entropy and task.operation == "gradient_and_hessian":
            names |= {"f": softmax_gradient_and_hessian}
            return Program("f(y, z)", names, lambda result: outputs_of(task.operation, result), "softmax, by hand")
        z.requires_grad_()
        if task.operation == "value_and_gradient":

            def forward_backward(y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                loss = value(y, z)
                return loss, torch.autograd.grad(loss, z)[0]

            return Program(
                "f(y, z)",
                names | {"f": forward_backward},
                lambda result: Outputs(value=result[0].item(), gradient=(result[1] * samples).numpy()),
                "torch function, then autograd.grad of the mean",
            )
        if task.z.ndim > 1:
            return None  # the sum of a row of the Hessian is what a second backward pass gives, not its diagonal

        def twice(y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            (gradient,) = torch.autograd.grad(value(y, z), z, create_graph=True)
            if not gradient.requires_grad:  # piecewise linear
                return gradient, torch.zeros_like(gradient)
            (hessian,) = torch.autograd.grad(gradient.sum(), z)
            return gradient.detach(), hessian

        return Program(
            "f(y, z)",
            names | {"f": twice},
            lambda result: Outputs(
                # force: the second derivative of abs is a tensor of zeros without memory
                gradient=(result[0] * samples).numpy(force=True),
                hessian=(result[1] * samples).numpy(force=True),
            ),
            "torch function, autograd.grad twice",
        )

    def program_of_arrays(self, task: ArraysTask) -> Program | None:
        """Value; value and gradients."""
        if task.loss not in OF_ARRAYS:
            return None
        value = OF_ARRAYS[task.loss](task.params)
        tensors = {name: torch.from_numpy(array) for name, array in task.arrays.items()}
        names: dict[str, Any] = {"f": value, **tensors}
        if task.operation == "value":
            return Program(f"f({task.call})", names, lambda v: Outputs(value=v.item()), "torch")
        leaves = [tensors[name].requires_grad_() for name in task.gradients]

        def forward_backward(*arrays: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            loss = value(*arrays)
            return loss, torch.autograd.grad(loss, leaves)

        return Program(
            f"f({task.call})",
            names | {"f": forward_backward},
            lambda result: Outputs(
                value=result[0].item(), gradient=tuple((g * float(task.terms)).numpy() for g in result[1])
            ),
            "torch, then autograd.grad of the loss",
        )
