"""The benchmark: what it compares is compared rightly, and what goes wrong is said. No test looks at a time."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss import registry, writing
from fastloss.cli import make_parser
from fastloss.usage import UsageError

pytest.importorskip("sklearn", reason="the benchmark's data come from scikit-learn")

from fastloss.benchmark import cases, command, memory, results
from fastloss.benchmark.arrays import FORMS, ArraysCase, arguments_of
from fastloss.benchmark.case import Row
from fastloss.benchmark.cases import DTYPES, OPERATIONS, PredictionCase, cases_of, make_plan
from fastloss.benchmark.data import SOURCES, SUITED
from fastloss.benchmark.engines import ENGINES, EngineEntry
from fastloss.benchmark.engines.engine import Outputs
from fastloss.benchmark.engines.formulas import FORMULAS, FUNCTIONS, python_function
from fastloss.benchmark.markdown import as_markdown
from fastloss.benchmark.oracle import Bootstrap, compare, write_pool
from fastloss.benchmark.report import Report, disagreements, ratio_text, summary, time_text
from fastloss.benchmark.runner import Pace, Result, RowResult, Runner, Spread, _environment

HASTE = Pace(rounds=2, sample_seconds=1e-5, row_seconds=1.0, load_timeout=60.0, time_timeout=20.0)
HUBER = Row(cases_of("huber")[0], "value_and_gradient", "float32", (100,))


def row_result(row: Row = HUBER, **nanoseconds: list[float]) -> RowResult:
    """A row as if it had been measured."""
    return RowResult(row, {name: Result("ok", samples, loops=1) for name, samples in nanoseconds.items()})


# -- cases ------------------------------------------------------------------------------------------------------------


NAMES = cases.names()

# Losses that the benchmark leaves out, and why: a word of what it says.
WITHOUT_A_CASE = {
    # each derivative depends on every element, and the time is that of two passes of squared_error
    "root_mean_squared_error": "no sum over elements",
}


def test_the_benchmark_knows_the_whole_catalogue() -> None:
    assert {fl.get_loss(name).name for name in NAMES} == {
        cls.name for cls in (getattr(fl, name) for name in fl.__all__) if isinstance(cls, type) and hasattr(cls, "when")
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_of_the_registry_has_a_case(name: str) -> None:
    if name in WITHOUT_A_CASE:
        with pytest.raises(LookupError, match=WITHOUT_A_CASE[name]):
            cases_of(name)
        return
    for case in cases_of(name):
        (shape,) = case.shapes([1000])
        truth = case.truth(shape, "float32")
        assert truth.data[-1].dtype == np.float32
        assert np.isfinite(case.make_loss()(*truth.data))
        assert all(np.isfinite(x).all() for x in truth.derivatives["gradient"])


def test_data_suit_the_loss() -> None:
    positive = cases_of("absolute_percentage_error")[0].pool(10, "float32")
    assert positive.y.min() > 0
    assert positive.z.min() > 0
    assert set(cases_of("gan_discriminator")[0].pool(10, "float32").y) == {0.0, 1.0}
    assert set(cases_of("gan_generator")[0].pool(10, "float32").y) == {1.0}
    # a choice for a loss that is gone would go unnoticed
    assert set(SUITED) <= set(fl.list_losses())
    assert set(SUITED.values()) <= set(SOURCES)


def test_a_quick_plan_has_every_loss_every_operation_and_both_dtypes() -> None:
    plan, notes = make_plan(NAMES, sizes=[100, 10_000], dtypes=DTYPES, operations=OPERATIONS, full=False)
    assert len(notes) == len(WITHOUT_A_CASE)
    assert {row.case.loss for row in plan} == set(NAMES) - set(WITHOUT_A_CASE)
    assert {row.operation for row in plan} == set(OPERATIONS)
    assert {row.dtype for row in plan} == set(DTYPES)
    assert len(plan) == len(set(plan))


def test_a_full_plan_contains_the_quick_one() -> None:
    options = {"sizes": [100, 1_000_000], "dtypes": DTYPES, "operations": OPERATIONS}
    names = ["huber", "categorical_cross_entropy", "triplet", "dice"]
    quick, _ = make_plan(names, full=False, **options)
    full, _ = make_plan(names, full=True, **options)
    assert set(quick) < set(full)


def test_losses_of_several_arrays_have_sizes_of_their_own() -> None:
    def shapes(full: bool, own: bool, operations: tuple[str, ...] = OPERATIONS) -> dict[str, set[tuple[int, ...]]]:
        names, sizes = ["triplet", "ntxent", "dice", "wasserstein_1d", "huber"], [1_000_000]
        plan, notes = make_plan(names, sizes=sizes, dtypes=["float32"], operations=operations, full=full, own_sizes=own)
        assert notes == [] or "value" not in operations
        return {name: {row.shape for row in plan if row.case.loss == name} for name in names}

    assert shapes(True, True) == {
        "triplet": {(100_000, 128)},
        "ntxent": {(4096, 128)},
        "dice": {(8, 4, 256, 256)},
        "wasserstein_1d": {(1_000,), (1_000_000,)},
        "huber": {(1_000_000,)},
    }
    asked_for = shapes(True, False)
    assert asked_for["triplet"] == {(7812, 128)}
    assert asked_for["wasserstein_1d"] == {(1_000_000,)}
    quick = shapes(False, True)
    assert all(np.prod(shape) <= 131_072 for name in quick if name != "huber" for shape in quick[name])
    assert shapes(True, True, ("gradient_and_hessian",))["triplet"] == set()


def test_an_operation_that_a_loss_has_not_is_named() -> None:
    options = {"sizes": [100], "dtypes": DTYPES, "operations": ["gradient_and_hessian"], "full": False}
    assert make_plan(["dice"], **options) == ([], ["dice has no gradient_and_hessian"])


def test_a_loss_of_arrays_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fl.Triplet, "arguments", ("anchor", "others"))
    with pytest.raises(LookupError, match="triplet takes anchor, others, for which the benchmark has no data"):
        cases_of("triplet")


@pytest.mark.parametrize("arguments", FORMS)
def test_arrays_are_what_their_names_say(arguments: tuple[str, ...]) -> None:
    name = next(n for n in NAMES if n not in fl.list_losses() and arguments_of(fl.get_loss(n)) == arguments)
    case, form = cases_of(name)[0], FORMS[arguments]
    assert isinstance(case, ArraysCase)
    (shape,) = case.shapes([6400])
    data = case.data(shape, "float64")
    for one, two in zip(data, case.data(shape, "float64"), strict=True):  # the same in every process
        np.testing.assert_array_equal(one, two)
    arrays = dict(zip(arguments, data, strict=True))
    assert all(arrays[name].shape == shape for name in form.gradients)
    assert (data[0].shape == shape[:1]) is (form.labels or len(shape) == 1)
    # an embedding is nearer to its like
    if arguments == ("anchor", "positive", "negative"):
        near, far = (np.linalg.norm(data[0] - x, axis=1).mean() for x in data[1:])
        assert near < 0.9 * far
    if arguments == ("y_true", "h1", "h2"):
        apart = np.linalg.norm(data[1] - data[2], axis=1)
        assert apart[data[0] == 1].mean() < 0.9 * apart[data[0] != 1].mean()
    if arguments == ("y_true", "y_pred"):
        assert set(np.unique(data[0])) == {0.0, 1.0}
        np.testing.assert_allclose(data[1].sum(axis=1), 1.0)
        assert (data[1].argmax(axis=1) == data[0].argmax(axis=1)).mean() > 0.9


def test_torch_and_scipy_have_the_losses_of_several_arrays() -> None:
    engines = {name: ENGINES[name] for name in ("fastloss", "torch", "scipy") if ENGINES[name].installed}
    several = [name for name in NAMES if name not in fl.list_losses()]
    plan, notes = make_plan(several, sizes=[1_000], dtypes=DTYPES, operations=OPERATIONS, full=True)
    assert notes == []
    assert {row.case.label for row in plan} >= {*several, "dice(per_class=True)"}
    with Runner(engines, 1, Pace(rounds=1, sample_seconds=1e-6)) as runner:
        outcomes = list(runner.run(plan))
        assert runner.notes == []
    for outcome in outcomes:
        of_scipy = (outcome.row.case.loss, outcome.row.operation) == ("wasserstein_1d", "value")
        expected = {"fastloss": "ok", "torch": "ok", "scipy": "ok" if of_scipy else "none"}
        found = {name: result.status for name, result in outcome.results.items()}
        assert found == {name: expected[name] for name in engines}, (outcome.row.case.label, disagreements(outcome))
        wanted = {"value", "gradient"} if outcome.row.operation == "value_and_gradient" else {"value"}
        assert set(outcome.results["fastloss"].errors) == wanted


def test_a_quick_run_has_losses_that_are_not_the_main_ones_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []
    monkeypatch.setattr(command, "run_plan", lambda plan, **_: plans.append(plan) or 0)
    bench()
    bench("--losses", "fair")
    rows = {name: [row for row in plans[0] if row.case.loss == name] for name in fl.list_losses()}
    assert [(row.operation, row.dtype, row.shape) for row in rows["fair"]] == [
        ("value_and_gradient", "float32", (1_000_000,))
    ]
    assert set(command.MAIN) <= set(rows)
    assert all(len(rows[name]) > 5 for name in command.MAIN)
    assert len(plans[1]) > 5
    # half a minute for each engine, with about a fifth of a second for a row
    assert len(plans[0]) < 150


def test_wide_softmax_cases() -> None:
    plan, _ = make_plan(
        ["sparse_categorical_cross_entropy"], sizes=[100, 1_000_000], dtypes=DTYPES, operations=OPERATIONS, full=False
    )
    shapes = {row.shape for row in plan}
    assert {(100_000, 10), (4096, 1000)} <= shapes
    wide = Row(plan[0].case, "value_and_gradient", "float32", (4096, 1000)).case.pool(1000, "float32", 64)
    assert wide.z.shape == (64, 1000)
    assert len(np.unique(wide.y)) > 10


def test_divergences_have_every_form_of_a_prediction() -> None:
    plan, _ = make_plan(
        ["kl_divergence"], sizes=[1_000_000], dtypes=["float32"], operations=["value_and_gradient"], full=True
    )
    assert {row.case.predictions for row in plan} == {"raw", "probability", "log_probability"}
    assert (100_000, 100) in {row.shape for row in plan if row.case.predictions == "raw"}


def test_a_loss_without_data_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(fl.get_loss("huber")), "task", "segmentation")
    plan, notes = make_plan(["huber"], sizes=[100], dtypes=DTYPES, operations=OPERATIONS, full=False)
    assert plan == []
    assert "huber" in notes[0]
    assert "segmentation" in notes[0]


def test_size_labels_and_bytes() -> None:
    assert [Row(HUBER.case, "value", "float32", (n,)).size_label for n in (100, 1000, 12345, 20_000_000)] == [
        "100", "1e3", "12345", "2e7",
    ]  # fmt: skip
    assert HUBER.bytes == 100 * 4 * 3
    sparse = cases_of("sparse_categorical_cross_entropy")[0]
    assert Row(sparse, "gradient_and_hessian", "float64", (5, 10)).bytes == 5 * 8 + 50 * 8 * 3


# -- agreement --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", FORMULAS, ids=lambda key: f"{key[0]}-{dict(key[1])}")
def test_formulas_are_the_losses(key: tuple) -> None:
    name, options = key
    defaults = fl.get_loss(name).params
    pinned = {option: value for option, value in options if option in defaults}
    free = {option: 0.7 * value for option, value in defaults.items() if type(value) is float and option not in pinned}
    namespace = {f: getattr(np, f) for f in FUNCTIONS} | {"mean": np.mean, "full": np.full_like}
    for loss in (fl.get_loss(name, **pinned), fl.get_loss(name, **pinned, **free)):
        case = next(c for c in cases_of(name) if dict(c.params).items() <= loss.params.items())
        pool = case.pool(10, "float64")
        value, gradient, hessian = loss.reference(pool.y, pool.z)
        run = {o: python_function(FORMULAS[key], o, namespace, loss.params) for o in OPERATIONS}
        np.testing.assert_allclose(run["value"](pool.y, pool.z), np.mean(value), rtol=1e-10)
        np.testing.assert_allclose(run["value_and_gradient"](pool.y, pool.z)[1], gradient, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(run["gradient_and_hessian"](pool.y, pool.z)[1], hessian, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("key", FORMULAS, ids=lambda key: f"{key[0]}-{dict(key[1])}")
def test_formulas_use_no_name_of_an_engine(key: tuple) -> None:
    names = {name for name, _ in FORMULAS[key].let}
    assert not names & {"g", "h", "i", "y", "z", "total", "run", "real", "wide", *FUNCTIONS}
    assert not names & set(fl.get_loss(key[0]).params)


def test_peers_agree_on_every_row() -> None:
    names = ("fastloss", "numpy", "sklearn", "sklearn.metrics", "torch", "numexpr")
    engines = {name: ENGINES[name] for name in names if ENGINES[name].installed}
    plan, _ = make_plan(fl.list_losses(), sizes=[200], dtypes=DTYPES, operations=OPERATIONS, full=True)
    with Runner(engines, 1, Pace(rounds=1, sample_seconds=1e-6)) as runner:
        outcomes = list(runner.run(plan))
        assert runner.notes == []
    assert len(outcomes) == len(plan)
    assert {name for o in outcomes for name, r in o.results.items() if r.timed} == set(engines)
    wrong = {(o.row.case.label, o.row.operation, o.row.dtype): disagreements(o) for o in outcomes if disagreements(o)}
    # torch's second derivative of binary_cross_entropy adds 1e-12 to a denominator: 1e-9 off, and reported
    wrong.pop(("binary_cross_entropy(from_logits=False)", "gradient_and_hessian", "float64"), None)
    assert wrong == {}


@pytest.mark.long
@pytest.mark.parametrize("engine", ["jax", "numba", "torch.compile"])
def test_compiling_peers_agree(engine: str) -> None:
    if not ENGINES[engine].installed:
        pytest.skip(f"{engine} is not installed")
    losses = ["huber"] if engine == "torch.compile" else fl.list_losses()
    plan, _ = make_plan(losses, sizes=[200], dtypes=["float32"], operations=["value_and_gradient"], full=False)
    with Runner({engine: ENGINES[engine]}, 1, HASTE) as runner:
        outcomes = list(runner.run(plan))
    if engine == "torch.compile" and outcomes[0].results[engine].status == "failed":
        pytest.skip(f"torch.compile does not run here: {outcomes[0].results[engine].note}")
    assert {o.row.case.label: disagreements(o) for o in outcomes if disagreements(o)} == {}
    # losses of rows have no formula but cross-entropy and the divergence from the target
    rows = {name for name in fl.list_losses() if registry.loss_class(name).layout != "pointwise"}
    assert {o.row.case.loss for o in outcomes if o.results[engine].status != "ok"} <= rows - {
        *("categorical_cross_entropy", "sparse_categorical_cross_entropy", "kl_divergence"),
    }


@pytest.fixture
def sample(tmp_path: Path) -> Bootstrap:
    """Data of a row with the reference's results."""
    write_pool(tmp_path / "pool.npz", HUBER)
    return Bootstrap.draw(tmp_path / "pool.npz", HUBER.samples)


def test_the_reference_agrees_with_itself(sample: Bootstrap) -> None:
    value = sample.pool.value[sample.index].mean()
    assert compare(Outputs(value, sample.pool.derivatives["gradient"][0][sample.index]), sample, "float64").ok


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.5])
def test_one_wrong_element_is_a_disagreement(sample: Bootstrap, bad: float) -> None:
    gradient = sample.pool.derivatives["gradient"][0][sample.index]
    gradient[17] += bad
    agreement = compare(Outputs(gradient=gradient), sample, "float32")
    assert not agreement.ok
    assert not agreement.errors["gradient"] < 1e-5


@pytest.mark.parametrize("loss", ["triplet", "ntxent"])
def test_one_wrong_element_of_one_gradient_is_a_disagreement(loss: str, tmp_path: Path) -> None:
    row = Row(cases_of(loss)[0], "value_and_gradient", "float64", (50, 128))
    write_pool(tmp_path / "pool.npz", row)
    sample = Bootstrap.draw(tmp_path / "pool.npz", row.samples if row.case.pooled else None)
    assert (sample.index is None) is (loss == "ntxent")
    data = sample.data()
    assert all(x.shape == (50, 128) for x in data)
    value, gradients = row.case.make_loss().value_and_gradients(*data)
    terms = float(row.case.task(row.shape)["terms"])
    gradients = tuple(g * terms for g in gradients)
    assert compare(Outputs(value, gradients), sample, "float64").ok
    assert not compare(Outputs(1.001 * value, gradients), sample, "float64").ok
    gradients[-1][17, 3] *= 1.01
    agreement = compare(Outputs(value, gradients), sample, "float64")
    assert agreement.errors["value"] < 1e-12
    assert not agreement.ok
    gradients[-1][17, 3] = np.nan
    assert not compare(Outputs(value, gradients), sample, "float64").ok
    assert not compare(Outputs(value, (gradients[0][:3], *gradients[1:])), sample, "float64").ok


def test_a_wrong_shape_or_value_is_a_disagreement(sample: Bootstrap) -> None:
    assert not compare(Outputs(gradient=sample.pool.derivatives["gradient"][0][:3]), sample, "float32").ok
    assert not compare(Outputs(value=float("nan")), sample, "float32").ok
    assert not compare(Outputs(value=1.001 * sample.pool.value[sample.index].mean()), sample, "float32").ok


# -- engines that misbehave -------------------------------------------------------------------------------------------

FAKE = """
import os, signal, sys, time
import numpy as np
import fastloss as fl
from fastloss.benchmark.engines.engine import Outputs, Program

class Engine:
    def __init__(self, threads):
        self.versions = {{"fake": "1.0"}}
        print("noise on standard output")
        {at_start}

    def program(self, task):
        {at_program}
        loss = fl.get_loss(task.loss, **task.given)
        def read(result):
            return Outputs(value=result[0], gradient=result[1] * len(task.z){error})
        return Program("loss.value_and_gradient(y, z)", {{"loss": loss, "y": task.y, "z": task.z}}, read)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make an engine that misbehaves in a given way."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    def make(name: str, at_start: str = "pass", at_program: str = "pass", error: str = "") -> EngineEntry:
        source = FAKE.format(at_start=at_start, at_program=at_program, error=error)
        (tmp_path / f"{name}.py").write_text(source)
        return EngineEntry(name, name, "numpy", name)

    return make


def test_a_wrong_engine_is_reported_with_its_error(fake) -> None:
    engines = {"fastloss": ENGINES["fastloss"], "liar": fake("liar", error=" * 1.01")}
    with Runner(engines, 1, HASTE) as runner:
        outcome = runner.measure(HUBER)
    assert outcome.results["fastloss"].status == "ok"
    assert outcome.results["liar"].status == "disagrees"
    assert "liar disagrees with the reference: gradient is off by 1.0e-02" in disagreements(outcome)[0]
    stream = io.StringIO()
    Report(["liar"], stream, plain=True).row(outcome)
    assert "!=" in stream.getvalue()
    assert any("1 results disagree" in line for line in summary([outcome]))
    assert "liar" not in outcome.lost_to()


def test_a_crash_is_named_and_the_others_go_on(fake) -> None:
    engines = {"fastloss": ENGINES["fastloss"], "crasher": fake("crasher", at_program="os.kill(os.getpid(), 9)")}
    with Runner(engines, 1, HASTE) as runner:
        outcomes = list(runner.run([HUBER] * 4))
        notes, status = runner.notes, runner.status()
    assert [o.results["fastloss"].status for o in outcomes] == ["ok"] * 4
    assert [o.results["crasher"].status for o in outcomes] == ["failed"] * 4
    assert "crasher: crashed in load (signal 9) (huber, value_and_gradient, float32, n = 100)" in notes[0]
    assert len(notes) == 3  # started again twice, then given up
    assert "given up" in status["crasher"]


def test_a_hanging_engine_is_named(fake) -> None:
    engines = {"fastloss": ENGINES["fastloss"], "sleeper": fake("sleeper", at_program="time.sleep(60)")}
    begun = time.perf_counter()
    with Runner(engines, 1, Pace(rounds=1, sample_seconds=1e-5, load_timeout=3.0)) as runner:
        outcome = runner.measure(HUBER)
    assert time.perf_counter() - begun < 40
    assert outcome.results["fastloss"].status == "ok"
    assert "sleeper: gave no answer to load for 3 s" in runner.notes[0]


def test_an_engine_that_cannot_be_imported_is_named(fake) -> None:
    engines = {"fastloss": ENGINES["fastloss"], "broken": fake("broken", at_start='raise ImportError("libmissing.so")')}
    with Runner(engines, 1, HASTE) as runner:
        outcome = runner.measure(HUBER)
        assert runner.status()["broken"] == "ImportError: libmissing.so"
    assert outcome.results["broken"].status == "failed"
    assert outcome.results["fastloss"].timed


def test_an_engine_that_raises_on_one_row_lives(fake) -> None:
    at_program = 'if task.z.dtype == np.float64: raise MemoryError("no room")'
    engines = {"fastloss": ENGINES["fastloss"], "picky": fake("picky", at_program=at_program)}
    with Runner(engines, 1, HASTE) as runner:
        wide = Row(HUBER.case, HUBER.operation, "float64", HUBER.shape)
        outcomes = list(runner.run([wide, HUBER]))
    assert [o.results["picky"].status for o in outcomes] == ["failed", "ok"]
    assert "picky: MemoryError: no room" in runner.notes[0]


def test_the_time_limit_is_said() -> None:
    with Runner(
        {"fastloss": ENGINES["fastloss"]}, 1, Pace(rounds=1, sample_seconds=1e-5, engine_seconds=1e-9)
    ) as runner:
        assert list(runner.run([HUBER, HUBER])) == []
        assert "2 of 2 rows not measured" in runner.notes[0]


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_ratios_are_formed_within_rounds() -> None:
    outcome = row_result(fastloss=[1.0, 10.0, 2.0], torch=[3.0, 30.0, 6.0], numba=[0.5, 5.0, 1.0])
    assert outcome.ratio("torch") == Spread(3.0, 3.0, 3.0)
    assert outcome.lost_to() == ["numba"]
    assert outcome.ratio("jax") is None
    assert outcome.nanoseconds().median == 2.0 / 100


def test_lost_cases_are_counted_and_listed() -> None:
    won, lost = row_result(fastloss=[1.0], torch=[2.0]), row_result(fastloss=[1.0], torch=[0.8])
    lines = summary([won, lost])
    assert lines[0] == "fastloss is the fastest in 1 of 2 rows; slower in 1."
    assert "huber, value+grad float32, n = 100: torch 0.80x" in lines[1]
    stream = io.StringIO()
    Report(["torch"], stream, plain=True).row(lost)
    assert "<0.80" in stream.getvalue()


def test_ratio_text() -> None:
    assert [time_text(x) for x in (0.6151, 13.3, 999.4, 999.6, 2034.4)] == ["0.615", "13.3", "999", "1000", "2034"]
    assert [ratio_text(x) for x in (0.8, 1.234, 4.06, 35.4, 1200.0)] == ["0.80", "1.23", "4.1", "35", "1200"]


def test_peers_are_not_hampered_by_our_openmp_runtime() -> None:
    assert _environment(ENGINES["sklearn"], 2)["FASTLOSS_BACKEND"] == "numpy"
    assert _environment(ENGINES["fastloss"], 2).get("FASTLOSS_BACKEND") == os.environ.get("FASTLOSS_BACKEND")
    assert _environment(ENGINES["torch"], 2)["OMP_NUM_THREADS"] == "2"


def test_the_memory_limit_is_measured() -> None:
    rate, how = memory.bandwidth(1 << 22, 1)
    assert rate > 0
    assert how
    assert 4 * memory.last_level_cache() <= 12 * memory.out_of_cache_size(memory.last_level_cache())


# -- the command ------------------------------------------------------------------------------------------------------


def bench(*options: object, stream: io.StringIO | None = None) -> int:
    """Run ``fastloss bench`` in this process."""
    args = make_parser().parse_args(["bench", *map(str, options)])
    return command.run(args, stream)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """A run with all its files."""
    directory = tmp_path_factory.mktemp("bench")
    stream = io.StringIO()
    options = ["--losses", "huber,poisson", "--sizes", "100", "1e3", "--peers", "numpy", "--dtype", "float32"]
    files = ["--json", directory / "run.json", "--markdown", directory / "run.md"]
    if importlib.util.find_spec("matplotlib"):
        files += ["--plot", directory / "run.png"]
    status = bench(*options, *files, "--threads", "1", "--plain", stream=stream)
    return status, stream.getvalue(), directory


def test_the_table_is_plain_and_fits_a_page(small_run: tuple[int, str, Path]) -> None:
    status, text, _ = small_run
    assert status == 0
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines() if not line.startswith(("data:", "wrote"))) <= 100
    assert "diabetes" in text
    assert text.count("value+grad f32") == 4
    assert "fastloss is the fastest in" in text


def test_the_json_has_everything(small_run: tuple[int, str, Path]) -> None:
    document = json.loads((small_run[2] / "run.json").read_text())
    assert document["schema"] == results.SCHEMA
    assert document["complete"] is True
    assert {"cpu", "processors", "last_level_cache_bytes", "system", "python", "date", "fastloss"} <= set(
        document["machine"]
    )
    assert document["settings"]["threads"] == 1
    assert {"fastloss", "numpy"} <= set(document["versions"])
    assert document["engines"] == {"fastloss": "ran", "numpy": "ran"}
    assert {row["loss"] for row in document["rows"]} == {"huber", "poisson"}
    for row in document["rows"]:
        ours = row["results"]["fastloss"]
        assert ours["status"] == "ok"
        assert ours["ns_per_element"]["low"] <= ours["ns_per_element"]["median"] <= ours["ns_per_element"]["high"]
        assert ours["statement"]
        assert row["results"]["numpy"]["ratio_to_fastloss"]["median"] > 0


def test_the_markdown_names_machine_versions_and_date(small_run: tuple[int, str, Path]) -> None:
    text = (small_run[2] / "run.md").read_text()
    machine = json.loads((small_run[2] / "run.json").read_text())["machine"]
    assert machine["cpu"] in text
    assert machine["date"][:10] in text
    assert f"numpy {np.__version__}" in text
    assert "| `huber` | 1,000 |" in text
    assert text == as_markdown(json.loads((small_run[2] / "run.json").read_text()))


def test_the_plot_is_a_picture(small_run: tuple[int, str, Path]) -> None:
    pytest.importorskip("matplotlib")
    assert (small_run[2] / "run.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_peer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ENGINES, "numexpr", EngineEntry("numexpr", "nowhere", "no_such_package", "numexpr"))
    stream = io.StringIO()
    options = ["--losses", "huber", "--sizes", "100", "--peers", "numexpr", "--plain", "--json", tmp_path / "r.json"]
    assert bench(*options, stream=stream) == 0
    assert "numexpr is not installed: pip install numexpr" in stream.getvalue()
    assert "not installed" in json.loads((tmp_path / "r.json").read_text())["engines"]["numexpr"]


def test_missing_rich_and_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    for name in ("rich", "rich.console", "matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    stream = io.StringIO()
    options = ["--losses", "huber", "--sizes", "100", "--peers", "none", "--operations", "value"]
    assert bench(*options, "--plot", tmp_path / "p.png", "--json", tmp_path / "r.json", stream=stream) == 1
    assert "value      f32" in stream.getvalue()
    assert "p.png not written" in capsys.readouterr().err
    assert (tmp_path / "r.json").exists()


def test_rich_writes_the_same_words() -> None:
    pytest.importorskip("rich")
    outcome = row_result(fastloss=[1.0], torch=[2.0], jax=[0.5])
    plain, coloured = io.StringIO(), io.StringIO()
    Report(["torch", "jax"], plain, plain=True).row(outcome)
    Report(["torch", "jax"], coloured).row(outcome)
    assert plain.getvalue().split() == coloured.getvalue().split()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_prints_what_there_is_and_exits_130(tmp_path: Path) -> None:
    options = ["--sizes", "100", "1000", "--peers", "numpy", "--plain", "--json", str(tmp_path / "run.json")]
    with subprocess.Popen(
        [sys.executable, "-m", "fastloss", "bench", *options], stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("  value+grad"):
                process.send_signal(signal.SIGINT)
                break
        lines += process.stdout.readlines()
    assert process.returncode == 130
    text = "".join(lines)
    assert "interrupted" in text
    assert "fastloss is the fastest in" in text
    document = json.loads((tmp_path / "run.json").read_text())
    assert document["complete"] is False
    assert document["rows"]


def test_files_are_old_or_complete(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        writing.write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--losses", "hubr"], "did you mean 'huber'?"),
        (["--peers", "pytorch"], "did you mean 'torch'?"),
        (["--dtype", "float16"], "unknown dtype 'float16'"),
        (["--operations", "hessian"], "unknown operation"),
        (["--sizes", "many"], "'many' is not a number of elements"),
        (["--sizes", "0"], "is not a number of elements"),
        (["--threads", "0"], "--threads must be from 1 to"),
        (["--json", "/nonexistent/run.json"], "there is no directory /nonexistent"),
    ],
)
def test_wrong_options_are_explained(options: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        bench(*options)
    assert message in str(error.value)


def test_aliases_are_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []
    monkeypatch.setattr(command, "run_plan", lambda plan, **_: plans.append(plan) or 0)
    bench("--losses", "mse", "--sizes", "100")
    assert {row.case for row in plans[0]} == {PredictionCase("squared_error", (), "regression", False, "plain", "raw")}
