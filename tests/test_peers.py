"""Every loss is compared with another library's, or it is said here that none has it."""

from __future__ import annotations

import re
from pathlib import Path

import fastloss as fl
from fastloss import registry

# Not in scikit-learn, torch, Keras, Optax or SciPy. Tables that mpmath made (test_tables) and a second formula in
# longdouble (test_equivalence) hold all losses, these among them.
NO_PEER = {
    "fair": "LightGBM has it",
    "generalized_cross_entropy": "the authors have it, in code of the paper",
    "symmetric_absolute_percentage_error": "CatBoost has it, as a metric",
    "tukey": "statsmodels has it",
    "wing": "segmentation-models-pytorch has it",
}


def test_every_loss_is_compared():
    tables = "".join(path.read_text() for path in Path(__file__).parent.glob("test_peers_*.py"))
    compared = set(re.findall(r"\bfl\.(\w+)\(", tables))
    for name in fl.list_losses():
        cls = registry.loss_class(name).__name__
        assert (cls in compared) != (name in NO_PEER), (
            f"{cls}: compare it in a table of test_peers_*.py, or say in NO_PEER who else has it"
        )
