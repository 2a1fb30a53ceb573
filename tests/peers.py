"""What a comparison with another library is made of; the comparisons are tables in ``test_peers_*.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from cases import data, sample_shape

from fastloss.loss import Loss

# In units in the last place, of the result or of 1 where that is larger: the terms of a peer's formula cancel.
ULPS = 64


class Peer(NamedTuple):
    """One comparison: theirs is `factor` times ours with a constant of the target added."""

    loss: Loss
    theirs: Callable[..., Any]
    factor: float = 1.0
    constant: Callable[[Any], Any] = lambda y: np.zeros(len(y), np.float32)  # no wider than any result
    derivatives: int = 2  # how many of theirs are right
    where: Callable[[Any, Any], Any] | None = None  # theirs is right: a mask, of y and z
    note: str = ""


def sample(peer: Peer, dtype: Any = np.float64, n: int = 400) -> tuple[Any, Any]:
    """Data for one comparison, away from points without a derivative and from where theirs is wrong."""
    y, z = data(peer.loss, n, dtype, kinks=False)
    if peer.where is not None:
        right = peer.where(y, z)
        assert right.mean() > 0.25, "too little is compared"
        y, z = y[right], z[right]
    return y, z


def assert_agrees(peer: Peer, y: Any, z: Any, *theirs: Any) -> None:
    """A peer's values per element or row, and their gradients and Hessians as far as it has them, beside ours."""
    value, gradient = peer.loss.value_and_gradient(y, z, reduction="none")
    hessian = peer.loss.gradient_and_hessian(y, z, reduction="none")[1]
    assert theirs[0].shape == sample_shape(peer.loss, z)
    for name, ours, other in zip(
        ("value", "gradient", "hessian")[: peer.derivatives + 1], (value, gradient, hessian), theirs, strict=False
    ):
        assert np.isfinite(other).all(), f"their {name} is not finite"
        assert_close(peer.factor * (ours + peer.constant(y) if name == "value" else ours), other, name)


def assert_close(ours: Any, theirs: Any, name: str = "") -> None:
    """Equal but for the rounding of a few operations, in the narrower of the two types."""
    types = [np.asarray(x).dtype for x in (ours, theirs)]
    tolerance = ULPS * max(np.finfo(dtype).eps for dtype in types)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


def by_torch(torch: Any, function: Callable[[Any], Any], z: Any, derivatives: int = 2) -> tuple[Any, Any, Any]:
    """Values, their gradients, and the diagonals of their Hessians (0 of one derivative), by autograd."""
    tensor = torch.from_numpy(z.copy()).requires_grad_()
    value = function(tensor)
    (gradient,) = torch.autograd.grad(value.sum(), tensor, create_graph=derivatives > 1)
    hessian = torch.zeros_like(tensor)
    for at in _columns(z) if gradient.requires_grad else ():  # no graph: linear
        (row,) = torch.autograd.grad(gradient[at].sum(), tensor, retain_graph=True, materialize_grads=True)
        hessian[at] = row[at]
    return tuple(x.detach().numpy() for x in (value, gradient, hessian))


def by_jax(jax: Any, function: Callable[[Any], Any], z: Any) -> tuple[Any, Any, Any]:
    """The same, of a function of JAX arrays."""
    z, hessian = jax.numpy.asarray(z), np.empty_like(z)
    gradient = jax.grad(lambda z: function(z).sum())
    for at in _columns(hessian):
        hessian[at] = jax.grad(lambda z, at=at: gradient(z)[at].sum())(z)[at]
    return np.asarray(function(z)), np.asarray(gradient(z)), hessian


def _columns(z: Any) -> list[tuple[Any, ...]]:
    """A value depends on one number of each column: so many passes give the diagonal."""
    return [...] if z.ndim == 1 else [(..., k) for k in range(z.shape[1])]
