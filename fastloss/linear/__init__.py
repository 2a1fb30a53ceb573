"""Linear models without a framework: the objective of a loss on linear scores, and the solvers that minimise it.

`fastloss.estimators` puts scikit-learn's interface around it.
"""
