"""From the data to the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.adapters.host import require
from fastloss.advisor import baseline as baselines
from fastloss.advisor import reasons, trial
from fastloss.advisor.candidates import LIKELIHOOD, Candidate, Choice, choose, convention
from fastloss.advisor.expectation import (
    FOLDS,
    ROWS_PER_PARAMETER,
    SURE,
    Expectation,
    UnrankedError,
    expect,
    make_folds,
    settle,
)
from fastloss.advisor.metric import Metric, default_loss, find_metric
from fastloss.advisor.reasons import brief, written
from fastloss.advisor.report import Advice, Report
from fastloss.advisor.target import FEWEST, FEWEST_OF_CLASS, Target, describe, row_weights
from fastloss.advisor.words import PYTHON, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from fastloss.advisor.baseline import Baseline
    from fastloss.advisor.trial import Trial
    from fastloss.loss import Loss

__all__ = ["recommend"]

TRIED = 6  # of the candidates, by expectation, are cross-validated, and the usual loss in any case
TRIED_WITH_TREES = 3
MOST_ROWS = 20_000  # for expectations
UNRANKED = ("multilabel", "distributions")  # no expectation is derived for these
TRAINED, FOLDS_OF_TRIAL = ("linear", "trees"), 5  # where nothing else is asked for


def recommend(
    y_true: ArrayLike,
    y_pred: ArrayLike | None,
    *,
    X: ArrayLike | None,
    task: str | None,
    metric: str | Loss | None,
    sample_weight: ArrayLike | None,
    verify: bool | None,
    models: Sequence[str] | None,
    cv: int | None,
    time_budget: float | None,
    random_state: int,
    n_threads: int | None,
    words: Words = PYTHON,
) -> Report:
    """As `fastloss.recommend`, which documents it; in the words of an interface."""
    begun = time.monotonic()
    _check(verify, X, models, cv, time_budget, random_state)
    models, cv = TRAINED if models is None else models, FOLDS_OF_TRIAL if cv is None else cv
    verify = X is not None if verify is None else verify
    target = describe(y_true, task, None, words)
    predictions = None if y_pred is None else baselines.plain(y_pred, target.n)
    numbers = None if X is None else trial.features(X, target.n, words.features)[0]
    remarks: list[str] = []
    if sample_weight is not None:
        weight = row_weights(sample_weight, target)
        rows = np.flatnonzero(weight)
        if len(rows) < target.n:
            remarks.append(f"{target.n - len(rows)} rows of weight 0 are left out")
        try:  # once more: what a target is its rows say by their weights
            target = describe(np.asarray(y_true)[rows], task, weight[rows], words)
            predictions = None if predictions is None else predictions[rows]
            numbers = None if numbers is None else trial.features(numbers[rows], target.n, words.features)[0]
        except ValueError as error:
            raise ValueError(f"of the {len(rows)} rows with a weight above 0: {error}") from error
    known = None if predictions is None else baselines.read(predictions, target)
    chosen_metric = find_metric(metric, target)
    remarks += [*target.remarks, *(known.remarks if known else ())]
    if metric is None and target.kind not in UNRANKED:
        remarks.append(
            f"no metric was named: {chosen_metric.name}, the usual one of this kind, is assumed; another, such as "
            f"{'balanced_accuracy' if target.of_labels else 'absolute_error'}, can change the answer"
        )
    blind = target.of_labels and known is None and not verify
    if blind:
        remarks.append(
            "without predictions every row looks the same, and losses of labels differ in what they make of rows that "
            f"do not: pass {words.predictions}, or {words.features} to train with"
        )
    if target.kind in UNRANKED or not target.enough or blind:
        return _by_convention(target, known, chosen_metric, remarks)

    seeds = np.random.SeedSequence(random_state).spawn(4)
    fitted = known
    if known is None and verify and numbers is not None:
        folds = make_folds(target, min(FOLDS, _fewest(target)), np.random.default_rng(seeds[0]))
        fitted = trial.cross_fitted(default_loss(target), numbers, target, folds, n_threads)
        remarks.append(f"residuals are those of a linear model of {default_loss(target).name}, each row held out")
    value = None if fitted is None else fitted.value
    if value is not None and value.ndim == 1 and np.ptp(target.y - value) <= 1e-12 * np.ptp(target.y):
        raise ValueError(
            "predictions equal y_true, up to a constant: there are no errors to choose a loss by. Pass predictions for "
            "rows that the model has not seen"
        )
    choice = choose(target, value, chosen_metric)
    if fitted is None and target.kind != "proportions":
        remarks.append(
            "without predictions the spread of the target stands for that of the residuals: pass "
            f"{words.predictions} or {words.features}"
        )
    if numbers is None:
        ratio = 1 / ROWS_PER_PARAMETER
        remarks.append(
            f"without {words.features} a model of a parameter per {ROWS_PER_PARAMETER} rows is assumed (heuristic)"
        )
    else:
        ratio = numbers.shape[1] / target.n
    few, of_few = _sampled(target, fitted, np.random.default_rng(seeds[3]))
    if few is not target:
        remarks.append(f"expectations are from {few.n} rows, drawn at random")
    expected, unranked = _expected(choice, chosen_metric, few, of_few, ratio, seeds[:2], n_threads)
    rejected = {**choice.rejected, **unranked}
    order = _by_expectation(expected)
    trials: dict[str, dict[Candidate, Trial]] = {}
    if verify:
        assert numbers is not None
        deadline = None if time_budget is None else begun + time_budget
        trials = _tried(order, target, chosen_metric, numbers, models, cv, deadline, seeds[2], n_threads)
        evidence = _deciding(trials)
        order = _by_evidence(order, evidence)
        done = len(next(iter(evidence.values())).costs) if evidence else 0
        if not done:
            few_rows = target.n < trial.FEWEST_FOR_TREES
            why = f"are for {trial.FEWEST_FOR_TREES} rows or more" if few_rows else "take none of these losses"
            remarks.append(f"nothing was cross-validated: {' and '.join(models)} {why}")
        elif time_budget is not None and done < trial.REPEATS * min(cv, _fewest(target)):
            remarks.append(f"the time budget was enough for {done} splits")
    ranking = [_advice(c, order, expected, trials, target, chosen_metric) for c in order]
    return Report(target, fitted, chosen_metric, tuple(ranking), rejected, tuple(remarks), choice.facts)


def _check(verify: Any, X: Any, models: Any, cv: Any, time_budget: Any, random_state: Any) -> None:
    if verify and X is None:
        raise ValueError("verify=True trains models, and there is no X: pass the features")
    for name, value in (("models", models), ("cv", cv), ("time_budget", time_budget)):
        if X is None and value is not None:
            raise ValueError(f"{name}={value!r} is for the cross-validation, and there is no X: pass the features")
    if models is not None and (isinstance(models, str) or not models or not set(models) <= set(trial.MODELS)):
        raise ValueError(f"models={models!r}: expected some of {', '.join(trial.MODELS)}, in a list")
    if verify is not False and models is not None and "lightgbm" in models:
        require("lightgbm", "lightgbm", "4.6")
    if cv is not None and (not isinstance(cv, (int, np.integer)) or cv < 2):
        raise ValueError(f"cv={cv!r}: expected a number of folds, at least 2")
    if time_budget is not None and not (isinstance(time_budget, (int, float, np.number)) and time_budget > 0):
        raise ValueError(f"time_budget={time_budget!r}: expected seconds > 0")
    if random_state is not None and not (isinstance(random_state, (int, np.integer)) and random_state >= 0):
        raise ValueError(f"random_state={random_state!r}: expected an integer >= 0")


def _fewest(target: Target) -> int:
    """The rows of the rarest class, or all."""
    return int(np.unique(target.y, return_counts=True)[1].min()) if target.of_labels else target.n


def _sampled(target: Target, fitted: Baseline | None, rng: np.random.Generator) -> tuple[Target, Baseline | None]:
    """Some rows of many, of labels with about the classes' shares: expectations need no more."""
    if target.n <= MOST_ROWS:
        return target, fitted
    rows = make_folds(target, -(-target.n // MOST_ROWS), rng) == 0
    few = target.of(rows)
    return (few, None if fitted is None else fitted.of(rows)) if few.enough else (target, fitted)


def _expected(
    choice: Choice,
    metric: Metric,
    target: Target,
    fitted: Baseline | None,
    ratio: float,
    seeds: Sequence[np.random.SeedSequence],
    n_threads: int | None,
) -> tuple[dict[Candidate, Expectation], dict[str, str]]:
    """What is expected of the candidates, and why nothing of some."""
    folds = make_folds(target, min(FOLDS, _fewest(target)), np.random.default_rng(seeds[0]))
    expected: dict[Candidate, Expectation] = {}
    unranked = {}
    for candidate in choice.candidates:
        rng = np.random.default_rng(seeds[1])
        try:
            expected[candidate] = expect(candidate.loss, metric, target, fitted, folds, ratio, rng, n_threads)
        except UnrankedError as error:
            unranked[_named(candidate, choice)] = str(error)
    if not expected:
        reasons_against = "; ".join(f"{name}: {why}" for name, why in unranked.items())
        raise ValueError(f"metric={metric.name!r} suits no loss that can be trained here: {reasons_against}")
    own = next((c for c in expected if c.loss == metric.loss), None)
    usual = next((c for c in expected if c.loss == default_loss(target)), next(iter(expected)))
    kin = [] if own is None else [c for c in expected if _same_constant(c.loss, own.loss, target)]
    efficient = own is not None and own.prior == LIKELIHOOD
    return settle(expected, own or usual, own is not None, kin, efficient), unranked


def _named(candidate: Candidate, choice: Choice) -> str:
    """The name of a loss, with its parameters where another candidate has the same."""
    same = [c for c in choice.candidates if c.loss.name == candidate.loss.name]
    return candidate.loss.name if len(same) == 1 else written(candidate.loss)


def _by_convention(target: Target, known: Baseline | None, metric: Metric, remarks: list[str]) -> Report:
    choice = choose(target, None, metric)
    usual = convention(target, choice)
    if target.enough:
        first = [c for c in choice.candidates if c.loss == metric.loss] or [c for c in choice.candidates if c.prior]
        usual = (first or [usual])[0]
        remarks.append("candidates are in the order of convention (heuristic): nothing was compared")
        ranked: tuple[Candidate, ...] = (usual, *(c for c in choice.candidates if c is not usual))
    else:
        few = f"{target.n} rows" if target.weight is None else f"{target.n} rows, by weight {target.effective:.0f}"
        counted = few if target.effective < FEWEST else f"fewer than {FEWEST_OF_CLASS} rows of a class"
        remarks.append(
            f"{counted}: not enough data to tell losses apart. The usual loss of this kind is named, by convention"
        )
        ranked = (usual,)
    advice = tuple(_described(c, target, "by convention") for c in ranked)
    return Report(target, known, metric, advice, choice.rejected, tuple(remarks), choice.facts)


def _tried(
    order: list[Candidate],
    target: Target,
    metric: Metric,
    X: NDArray[Any],
    models: Sequence[str],
    cv: int,
    deadline: float | None,
    seed: np.random.SeedSequence,
    n_threads: int | None,
) -> dict[str, dict[Candidate, Trial]]:
    usual = default_loss(target)
    cv = min(cv, _fewest(target))
    of_trees = order[:TRIED_WITH_TREES] if target.n >= trial.FEWEST_FOR_TREES else []
    wanted = {model: list(order[:TRIED] if model == "linear" else of_trees) for model in models}
    for some in wanted.values():
        some += [c for c in order if some and c.loss == usual and c not in some]
    total = sum(map(len, wanted.values())) * cv * trial.REPEATS
    found = {}
    with trial.progress(total) as advance:
        for number, (model, some) in enumerate(wanted.items()):
            if not some or (number and deadline is not None and time.monotonic() > deadline):
                continue
            results = trial.cross_validate(
                [c.loss for c in some],
                X,
                target,
                metric,
                model=model,
                cv=cv,
                deadline=deadline,
                rng=np.random.default_rng(seed),
                n_threads=n_threads,
                report=advance,
            )
            found[model] = {c: t for c, t in zip(some, results, strict=True) if t is not None}
    return found


def _same_constant(one: Loss, other: Loss, target: Target) -> bool:
    """Whether two losses of a number want the same of the target, such as its mean."""
    if one.layout != "pointwise" or one.layout != other.layout:
        return one == other
    mine, theirs = (
        float(loss.inverse_link(np.array([loss.optimum(target.y, target.weight)]))[0]) for loss in (one, other)
    )
    return bool(np.isclose(mine, theirs, rtol=1e-6, atol=1e-9))


def _by_expectation(expected: dict[Candidate, Expectation]) -> list[Candidate]:
    """By their cost; but of those that cannot be told from the best, the one with a prior (`Candidate.prior`) first.

    That is a heuristic: of what cannot be told apart, it has the better chances.
    """
    order = sorted(expected, key=lambda c: expected[c].cost)
    for likely in [c for c in order if c.prior][:1]:
        if _alike(expected[likely], expected[order[0]]):
            return [likely, *(c for c in order if c is not likely)]
    return order


def _deciding(trials: dict[str, dict[Candidate, Trial]]) -> dict[Candidate, Trial]:
    """The trials that rank: of the first model that could be trained."""
    return next((found for found in trials.values() if found), {})


def _alike(one: Expectation, other: Expectation) -> bool:
    """Whether the data do not tell what is expected of one loss from what is of another."""
    gap, error = one.above(other)
    return not abs(gap) > SURE * error


def _by_evidence(order: list[Candidate], evidence: dict[Candidate, Trial]) -> list[Candidate]:
    """Those that the cross-validation cannot tell from its best, by expectation; then the others by their cost."""
    if not evidence:
        return order
    best = min(evidence, key=lambda c: evidence[c].cost)
    near = [c for c in order if c in evidence and _level(evidence[c], evidence[best])]
    worse = sorted((c for c in order if c in evidence and c not in near), key=lambda c: evidence[c].cost)
    return [*near, *worse, *(c for c in order if c not in evidence)]


def _level(one: Trial, other: Trial) -> bool:
    """Whether the interval of the difference has 0 in it."""
    if not np.isfinite(one.cost):
        return one is other
    _, low, high = one.above(other)
    return bool(low <= 0 <= high)


def _advice(
    candidate: Candidate,
    order: list[Candidate],
    expected: dict[Candidate, Expectation],
    trials: dict[str, dict[Candidate, Trial]],
    target: Target,
    metric: Metric,
) -> Advice:
    best, mine = order[0], expected[candidate]
    gap, error = mine.above(expected[best])
    words = f"expected {metric.name} {metric.shown(mine.cost):.5g}"
    level = _alike(mine, expected[best])
    if candidate is not best:
        gap, width = (metric.changed(expected[best].cost, difference) for difference in (gap, SURE * error))
        words += f", {brief(gap, sign='+')} +- {brief(abs(width), 1)} against the first"
    noise = brief(metric.changed(mine.limit, mine.noise), sign="+")
    words += f": {metric.shown(mine.limit):.5g} with endless data, {noise} for noise"
    results: dict[str, tuple[float, float, float, float]] = {}
    for model, known in trials.items():
        if candidate not in known:
            continue
        cost = known[candidate].cost
        first = best if best in known else min(known, key=lambda c: known[c].cost)
        mean, low, high = known[candidate].above(known[first])
        results[model] = (cost, mean, low, high)
    evidence = _deciding(trials)
    if candidate in evidence and best in evidence:
        level = candidate is best or _level(evidence[candidate], evidence[best])
    return _described(candidate, target, words, mine, level, results, metric)


def _described(
    candidate: Candidate,
    target: Target,
    why: str,
    expectation: Expectation | None = None,
    level: bool = True,
    trials: dict[str, tuple[float, float, float, float]] | None = None,
    metric: Metric | None = None,
) -> Advice:
    loss = candidate.loss
    shown = {}
    for model, (cost, mean, low, high) in (trials or {}).items():
        assert metric is not None
        difference, *ends = (metric.changed(cost - mean, x) for x in (mean, low, high))
        shown[model] = {"value": metric.shown(cost), "difference": difference, "low": min(ends), "high": max(ends)}
    return Advice(
        loss=loss,
        how=candidate.how,
        why=why + (f"; {candidate.prior}" if candidate.prior else ""),
        indistinguishable=level,
        expected=None if expectation is None or metric is None else metric.shown(expectation.cost),
        trials=shown,
        activation=reasons.activation(loss),
        optimizer=reasons.optimizer(loss, target),
        watch=reasons.watch(loss, target),
        references=reasons.references(loss),
        code=reasons.code(loss, target),
    )
