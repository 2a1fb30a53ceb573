"""Linear models with any loss of the catalogue, as scikit-learn estimators.

>>> from fastloss.estimators import LossRegressor
>>> LossRegressor("huber").fit([[0.0], [1.0], [2.0], [3.0], [4.0]], [1.0, 3.0, 5.0, 7.0, 90.0]).predict([[1.5]]).round()
array([4.])
"""

try:
    import scipy  # noqa: F401
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastloss.estimators needs scikit-learn and SciPy ({error}): pip install 'fastloss[estimators]'"
    ) from error

from fastloss.estimators.classifier import LossClassifier
from fastloss.estimators.regressor import LossRegressor

__all__ = ["LossClassifier", "LossRegressor"]
