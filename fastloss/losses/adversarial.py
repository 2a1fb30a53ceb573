"""Losses of generators and critics, on the critic's scores."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.binary import BinaryCrossEntropy, Hinge
from fastloss.losses.pieces import cross_entropy_of_score, nan_like
from fastloss.losses.regression import HalfSquaredError
from fastloss.parameters import choice
from fastloss.registry import register


class _Linear(Loss):
    """-s z, s = +1 for a real sample and -1 for a generated one: what a Wasserstein critic estimates a distance by."""

    name, task = "linear", "adversarial"

    def _kernel(self) -> KernelSpec:
        return KernelSpec("linear_margin")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        zero = nan_like(y_pred, 0)
        slope = np.where(y_true > 0, -1, 1).astype(y_pred.dtype)
        return slope * y_pred, slope + zero, zero

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred, 0)


class _MinusSoftplus(Loss):
    """log(1 - sigmoid(z)), concave: the tangent majorizes."""

    name, task, convex = "minus_softplus", "adversarial", False

    def _kernel(self) -> KernelSpec:
        return KernelSpec("minus_softplus")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        one = np.ones_like(y_pred)
        value, gradient, hessian = cross_entropy_of_score(one, 0 * one, y_pred)
        return -value, -gradient, -hessian

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred, 0)


class _Adversarial(Loss):
    """What the two players share: the kind of game says which loss each of them has."""

    task = "adversarial"
    kinds: ClassVar[dict[str, Loss]]

    def __init__(self, kind: str = "non_saturating") -> None:
        super().__init__(kind=choice("kind", kind, tuple(self.kinds)))

    @property
    def _same(self) -> Loss:
        return self.kinds[self.params["kind"]]

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return self._same.convex

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return self._same.smoothness

    @property
    def activation(self) -> str:
        return self._same.activation

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in self._same.hessian_kinds if kind != "fisher")

    def _kernel(self) -> KernelSpec:
        return self._same._kernel()

    def _closed_form(self, y: Any, w: Any) -> Any:
        return self._same._closed_form(y, w)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        return self._same.reference(y_true, y_pred)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return self._same.majorizer(y_true, y_pred)


@register
class GANDiscriminator(_Adversarial):
    r"""Loss of the discriminator (critic) of a generative adversarial network, on its scores z = y_pred.

    y_true is 1 for a real sample and 0 for a generated one. "minimax" and "non_saturating": cross-entropy,
    softplus(-z) for real samples and softplus(z) for generated ones. "least_squares": (z - y_true)^2/2. "hinge":
    max(0, 1 - z) and max(0, 1 + z). "wasserstein": -z and z.

    Parameters
    ----------
    kind : {"minimax", "non_saturating", "least_squares", "hinge", "wasserstein"}, default="non_saturating"
        The game.

    Notes
    -----
    Convex in the score. Labels may be soft, such as 0.9 for real samples, where the kind allows: in cross-entropy and
    least squares. A Wasserstein critic must be kept Lipschitz by other means (clipping, a gradient penalty).

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NIPS 2014. https://doi.org/10.48550/arXiv.1406.2661
    .. [2] X. Mao et al., "Least squares generative adversarial networks", ICCV 2017.
       https://doi.org/10.48550/arXiv.1611.04076
    .. [3] J. H. Lim, J. C. Ye, "Geometric GAN", 2017. https://doi.org/10.48550/arXiv.1705.02894
    .. [4] M. Arjovsky, S. Chintala, L. Bottou, "Wasserstein generative adversarial networks", ICML 2017.
       https://doi.org/10.48550/arXiv.1701.07875

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.GANDiscriminator("hinge")([1, 1, 0], [2.0, 0.5, 0.5], reduction="none")
    array([0. , 0.5, 1.5])
    """

    name = "gan_discriminator"
    when = "Training the critic of a generative adversarial network to tell real from generated samples."
    kinds: ClassVar[dict[str, Loss]] = {
        "minimax": BinaryCrossEntropy(from_logits=True),
        "non_saturating": BinaryCrossEntropy(from_logits=True),
        "least_squares": HalfSquaredError(),
        "hinge": Hinge(),
        "wasserstein": _Linear(),
    }

    @property
    def target_domain(self) -> domains.Domain:
        soft = self.params["kind"] not in ("hinge", "wasserstein")
        return domains.PROBABILITY_TARGET if soft else domains.BINARY


@register
class GANGenerator(_Adversarial):
    r"""Loss of the generator of a generative adversarial network, on the critic's scores z = y_pred of its samples.

    y_true is 1 throughout: what the generator wants the critic to say. "minimax": log(1 - sigmoid(z)) = -softplus(z).
    "non_saturating": softplus(-z). "least_squares": (z - 1)^2/2. "hinge" and "wasserstein": -z.

    Parameters
    ----------
    kind : {"minimax", "non_saturating", "least_squares", "hinge", "wasserstein"}, default="non_saturating"
        The game.

    Notes
    -----
    "minimax" is concave, and its gradient vanishes just where samples are bad (z far below 0): that is why
    "non_saturating" is the default. The others are convex.

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NIPS 2014. https://doi.org/10.48550/arXiv.1406.2661

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.GANGenerator("least_squares")([1, 1], [1.0, -1.0], reduction="none")
    array([0., 2.])
    """

    name = "gan_generator"
    when = "Training the generator of a generative adversarial network, on the scores that the critic gives it."
    kinds: ClassVar[dict[str, Loss]] = {
        **GANDiscriminator.kinds,
        "minimax": _MinusSoftplus(),
        "hinge": _Linear(),
    }

    @property
    def target_domain(self) -> domains.Domain:
        return domains.WANTED
