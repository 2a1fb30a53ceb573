"""`fastloss eval` gives the losses of the whole file, whatever holds it, and says where a bad row stands."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss import backend
from fastloss.cli import main
from fastloss.evaluation import evaluate, tables
from fastloss.specification import parse_losses

pa = pytest.importorskip("pyarrow", reason="pyarrow reads CSV, Parquet and Feather")

N = 1500


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(0)
    y = rng.normal(size=N)
    return {
        "y": y,
        "p": y + rng.standard_t(3, N),
        "w": rng.uniform(0.5, 2, N),
        "label": rng.integers(0, 3, N),
        "group": rng.choice(["b", "a", "c"], N),
        "s0": rng.normal(size=N),
        "s1": rng.normal(size=N),
        "s2": rng.normal(size=N),
    }


def _csv(path: Path, table) -> None:
    from pyarrow import csv

    csv.write_csv(table, path)


def _tsv(path: Path, table) -> None:
    from pyarrow import csv

    csv.write_csv(table, path, csv.WriteOptions(delimiter="\t"))


def _packed(path: Path, table) -> None:
    _csv(path.with_suffix(""), table)
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


def _parquet(path: Path, table) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path, row_group_size=400)


def _feather(path: Path, table) -> None:
    from pyarrow import feather

    feather.write_feather(table, path, chunksize=333)


def _npz(save):
    def write(path: Path, table) -> None:
        save(path, **{n: np.asarray(table[n].to_numpy(zero_copy_only=False).tolist()) for n in table.column_names})

    return write


def _records(path: Path, table) -> None:
    np.save(path, table.to_pandas().to_records(index=False, column_dtypes={"group": "U1"}))


WRITERS = {
    "d.csv": _csv,
    "d.tsv": _tsv,
    "d.csv.gz": _packed,
    "d.parquet": _parquet,
    "d.feather": _feather,
    "d.npy": _records,
    "stored.npz": _npz(np.savez),
    "compressed.npz": _npz(np.savez_compressed),
}


opened = tables.open_table


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 256)
    monkeypatch.setattr(tables, "NUMPY_ROWS", 256)
    monkeypatch.setattr(tables, "TEXT_BYTES", 4096)


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_losses_of_the_arrays(name, columns, tmp_path, capsys):
    path = tmp_path / name
    WRITERS[name](path, pa.table(columns))
    out = tmp_path / "scores.json"
    common = ["eval", str(path), "--by", "group", "--weight", "w", "--json", str(out), "--plain"]
    assert main([*common, "--true", "y", "--pred", "p", "--loss", "mse,huber:delta=1.5,root_mean_squared_error"]) == 0
    document = json.loads(out.read_text())
    y, p, w = (columns[k] for k in ("y", "p", "w"))
    losses = {
        "mse": fl.SquaredError(),
        "huber:delta=1.5": fl.Huber(1.5),
        "root_mean_squared_error": fl.RootMeanSquaredError(),
    }
    assert [row["group"] for row in document["scores"]] == [None] * 3 + ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    for row in document["scores"]:
        of = np.full(N, True) if row["group"] is None else columns["group"] == row["group"]
        assert row["value"] == pytest.approx(losses[row["loss"]](y[of], p[of], w[of]), rel=1e-13)
        assert row["rows"] == of.sum()
        assert row["weight"] == pytest.approx(w[of].sum(), rel=1e-13)
    assert main([*common, "--true", "label", "--pred", "s0,s1,s2", "--loss", "cross_entropy", "--from-logits"]) == 0
    expected = fl.SparseCategoricalCrossEntropy(from_logits=True)(
        columns["label"], np.stack([columns[f"s{k}"] for k in range(3)], 1), w
    )
    assert json.loads(out.read_text())["scores"][0]["value"] == pytest.approx(expected, rel=1e-13)
    assert "cross_entropy" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false"), ("TRUE", "FALSE")])
def test_truth_values_are_1_and_0(words, tmp_path, capsys):
    """As pandas writes them, also beyond the first batch; not in the column that names groups."""
    rng = np.random.default_rng(0)
    y, p = rng.random(N) < 0.3, rng.uniform(0.01, 0.99, N)
    path = tmp_path / "d.csv"
    cells = zip(np.where(y, *words), p, strict=True)
    path.write_text("\n".join(["y,p", *(f"{label},{x}" for label, x in cells)]) + "\n")
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "log_loss", "--by", "y"]) == 0
    out = capsys.readouterr().out
    assert f"{fl.binary_cross_entropy(y, p):.8g}" in out
    assert f"\n{words[1]} " in out
    path.write_text(path.read_text() + "maybe,0.5\n")
    for by in ([], ["--by", "y"]):
        assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "log_loss", *by]) == 1
        assert f"line {N + 2}: column 'y' is 'maybe': expected true or false" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "d.npy"])
def test_targets_may_name_the_groups(name, columns, tmp_path, capsys):
    """The loss of each class."""
    path = tmp_path / name
    WRITERS[name](path, pa.table(columns))
    options = ["--true", "label", "--pred", "s0,s1,s2", "--loss", "cross_entropy", "--from-logits", "--by", "label"]
    assert main(["eval", str(path), *options, "--json", str(tmp_path / "scores.json")]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert [row["group"] for row in scores] == [None, "0", "1", "2"]
    assert [row["rows"] for row in scores[1:]] == np.bincount(columns["label"]).tolist()
    capsys.readouterr()


def test_numbers_that_name_groups_are_read_as_others(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("y,p\n1 ,1\n 2,3\n1,2\n")
    options = ["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse", "--by", "y"]
    assert main(options) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]] == ["0.66666667", "1", "1", "0"]
    for cell, message in (("", "column 'y' is empty"), (" ", "column 'y' is ' ': expected a number")):
        path.write_text(f"y,p\n1,1\n{cell},3\n")
        assert main(options) == 1
        assert f"line 3: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.feather"])
def test_rows_without_a_group_are_not_all_rows(name, tmp_path, capsys):
    WRITERS[name](tmp_path / name, pa.table({"y": [1.0, 2.0], "p": [1.0, 3.0], "g": ["a", None]}))
    options = ["--true", "y", "--pred", "p", "--loss", "mse", "--by", "g", "--csv", str(tmp_path / "scores.csv")]
    assert main(["eval", str(tmp_path / name), *options]) == 0
    for lines in (capsys.readouterr().out.splitlines(), (tmp_path / "scores.csv").read_text().splitlines()):
        assert [line.replace(",", " ").split()[0] for line in lines[1:]] == ["(all)", "(empty)", "a"]


def test_a_line_break_in_a_name_is_none_of_the_table(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text('y,p,g\n1,2,"a\nb"\n1,2,é\n')
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse", "--by", "g"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["(all)", r"a\nb", "é"]


def test_a_heading_may_have_blank_lines_above_it(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("\n\ny,p\n\n1,2\n")
    options = ["--true", "y", "--pred", "p", "--loss", "mse"]
    assert main(["eval", str(path), *options]) == 0
    assert capsys.readouterr().out.split()[-1] == "1"
    path.write_text(path.read_text() + "1,abc\n")
    assert main(["eval", str(path), *options]) == 1
    assert "line 6: column 'p' is 'abc'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.asfortranarray(np.zeros((5, 2)))}, ": y.npy is compressed column by column: save it in C order\n"),
        ({"y": np.array(1.0)}, " cannot be read: it has no columns, which are arrays of one or two dimensions\n"),
    ],
)
def test_arrays_that_are_no_columns(arrays, message, tmp_path, capsys):
    np.savez_compressed(tmp_path / "d.npz", **arrays)
    assert main(["eval", str(tmp_path / "d.npz"), "--true", "y[0]", "--pred", "y[1]", "--loss", "mse"]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'd.npz'}{message}"


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_what_is_read_is_not_written_over(option, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("y,p\n1,2\n")
    Path("other.csv").symlink_to("d.csv")
    for name in ("d.csv", str(tmp_path / "d.csv"), "other.csv"):
        assert main(["eval", "d.csv", "--true", "y", "--pred", "p", "--loss", "mse", option, name]) == 2
        assert f"{name} is the file to be read" in capsys.readouterr().err
    assert Path("d.csv").read_text() == "y,p\n1,2\n"


def test_dates_are_named(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("y,p\n2024-05-31,1\n")
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse"]) == 1
    assert "line 2: column 'y' is '2024-05-31': expected a number; of a date make one" in capsys.readouterr().err
    _parquet(tmp_path / "d.parquet", pa.table({"y": np.array(["2024-05-31"], "M8[s]"), "p": [1.0]}))
    assert main(["eval", str(tmp_path / "d.parquet"), "--true", "y", "--pred", "p", "--loss", "mse"]) == 1
    assert "days since the first" in capsys.readouterr().err


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_matrices_in_npz_and_npy(save, columns, tmp_path, capsys):
    scores = np.stack([columns[f"s{k}"] for k in range(3)], 1)
    save(tmp_path / "m.npz", label=columns["label"], s=scores)
    np.save(tmp_path / "m.npy", np.stack([columns["y"], columns["p"]], 1))
    expected = fl.SparseCategoricalCrossEntropy(from_logits=True)(columns["label"], scores)
    options = ["--true", "label", "--pred", "s[0],s[1],s[2]", "--loss", "cross_entropy", "--from-logits"]
    assert main(["eval", str(tmp_path / "m.npz"), *options]) == 0
    assert f"{expected:.8g}" in capsys.readouterr().out
    assert main(["eval", str(tmp_path / "m.npy"), "--true", "0", "--pred", "1", "--loss", "mae"]) == 0
    assert f"{fl.mae(columns['y'], columns['p']):.8g}" in capsys.readouterr().out


def _of(n: int, seed: int, scale: float = 1.0):
    """Batches of a sample whose squared errors have mean scale^2."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    z = y + scale * rng.normal(size=n)
    return [(y[a : a + 700], z[a : a + 700], None, None) for a in range(0, n, 700)]


@pytest.mark.parametrize("n", [300, 5000])
def test_intervals_cover_the_truth(n):
    """Of 200 samples of a known mean 1 the 90 % intervals hold it in about 180, in cells of one row and of several."""
    hits = 0
    for seed in range(200):
        (score,) = evaluate.evaluate(_of(n, seed), {"mse": fl.SquaredError()}, bootstrap=200, confidence=0.9, seed=seed)
        assert score.interval is not None
        hits += score.interval[0] <= 1 <= score.interval[1]
    assert 166 <= hits <= 193  # 180 +- 3 standard deviations, a little lower for the skew of small samples


def test_intervals_are_those_of_the_bootstrap_of_rows():
    """Up to CELLS rows; and they are the same again with the same seed, whatever the batches."""
    n = 1000
    (y, z, _, _), *rest = _of(n, 0)
    y, z = np.concatenate([y, *(b[0] for b in rest)]), np.concatenate([z, *(b[1] for b in rest)])
    losses = {"mse": fl.SquaredError()}
    (whole,) = evaluate.evaluate([(y, z, None, None)], losses, bootstrap=2000)
    (pieces,) = evaluate.evaluate(_of(n, 0), losses, bootstrap=2000)
    assert whole == pieces
    errors = (y - z) ** 2
    means = errors[np.random.default_rng(1).integers(0, n, (2000, n))].mean(axis=1)
    width = np.diff(np.quantile(means, [0.025, 0.975]))[0]
    assert whole.interval is not None
    assert np.diff(whole.interval)[0] == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize(
    "loss",
    [
        fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=[1.0, 5.0, 0.5], ignore_index=1),
        fl.RootMeanSquaredError(),
        fl.GaussianNLL(),
        fl.SparseCategoricalCrossEntropy(from_logits=True, label_smoothing=0.1),
    ],
)
def test_cells_add_up_to_the_loss(loss):
    """What rows put into the cells of a bootstrap is what the loss is the quotient of."""
    rng = np.random.default_rng(0)
    y, z, w = rng.integers(0, 3, 500), rng.normal(size=(500, 3)), rng.uniform(0, 2, 500)
    z = z if loss.layout == "classes" else z[:, :2] if loss.layout == "outputs" else z[:, 0]
    sums, weights = evaluate._parts(loss, evaluate._Rows(y, z, w))
    assert loss._finished(sums.sum() / weights.sum()) == pytest.approx(loss(y, z, w), rel=1e-12)


def test_specifications():
    losses = parse_losses("huber:delta=1.5,quantile:quantile=0.9, tweedie:power=1.2:link=identity", from_logits=False)
    assert list(losses.values()) == [fl.Huber(1.5), fl.Quantile(0.9), fl.Tweedie(1.2, "identity")]
    (loss,) = parse_losses("cross_entropy:class_weight=[1,2,3]", from_logits=True).values()
    assert loss == fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=[1, 2, 3])


BAD = [
    ("y,p\n1,2\n2,abc\n", "mse", "line 3: column 'p' is 'abc': expected a number"),
    ("y,p\n1,2\n2,1_000\n", "mse", "line 3: column 'p' is '1_000': expected a number"),
    ("y,p\n1,2\n\n2,abc\n", "mse", "line 4: column 'p' is 'abc': expected a number"),
    ("y,p\n1,2\n2\n", "mse", "line 3 has 1 fields, the heading has 2: is the file cut short?"),
    ("y,p\n1,2\n2,\n", "mse", "line 3: column 'p' is empty: fill it in or drop the row"),
    ("y,p\n1,0.2\n2,0.5\n", "log_loss", "line 3: column 'y' is 2.0: binary_cross_entropy expects"),
    ("y,p\n1,0.2\n\n1,1.5\n", "log_loss", "line 4: column 'p' is 1.5"),
    ("y,p\n", "mse", "there are no rows"),
    ("", "mse", "is empty: expected a line with the names of the columns"),
    ("y,y\n1,2\n", "mse", "has two columns named 'y'"),
    ("y;p\n1;2\n", "mse", "is separated by semicolons"),
    ("y,p\n1,0.2\n1,nan\n", "mse", "line 3: column 'p' is nan: finite numbers expected; drop such rows"),
    (
        "y,p\n1,0.2\n1,3.5\n",
        "log_loss",
        "line 3: column 'p' is 3.5: binary_cross_entropy expects a probability in [0, 1]; pass --from-logits",
    ),
    ("name,y,p\nabc,1,2\nx,2,3\ny,3,abc\n", "mse", "line 4: column 'p' is 'abc': expected a number"),
    ("y,p\n1,2\n2, \n", "mse", "line 3: column 'p' is ' ': expected a number"),
    ("y,pp\n1,2\n", "mse", "has no column 'p' (did you mean 'pp'?); it has 'y', 'pp'"),
]


@pytest.mark.parametrize(("text", "loss", "message"), BAD)
def test_a_bad_row_is_named(text, loss, message, tmp_path, capsys):
    path, out = tmp_path / "d.csv", tmp_path / "scores.csv"
    path.write_text(text)
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", loss, "--csv", str(out)]) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith(str(path))
    assert said.out == ""
    assert not out.exists()


def test_a_label_beyond_the_columns_is_in_the_words_of_the_command(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("y,a,b\n0,1,2\n2,1,2\n")
    options = ["--true", "y", "--pred", "a,b", "--loss", "cross_entropy", "--from-logits"]
    assert main(["eval", str(path), *options]) == 1
    said = "line 3: column 'y' is 2.0: expected an integer label in 0..1, as --pred has 2 classes; count classes from 0"
    assert capsys.readouterr().err == f"{path}, {said}\n"


@pytest.mark.parametrize(("options", "of"), [([], "mse"), (["--by", "g"], "mse of group 'b'")])
def test_rows_of_no_weight_have_no_mean(options, of, tmp_path, capsys):
    """Said in the words of the command, which has no reductions."""
    path = tmp_path / "rows.csv"
    path.write_text("y,p,w,g\n" + ("1,2,1,a\n" if options else "") + "1,2,0,b\n1,3,0,b\n")
    options = ["--true", "y", "--pred", "p", "--weight", "w", "--loss", "mse", *options]
    assert main(["eval", str(path), *options]) == 1
    assert capsys.readouterr().err == f"{path}: {of}: the total weight is 0, and there is no mean\n"


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_short_gives_no_result(name, columns, tmp_path, capsys):
    path = tmp_path / name
    WRITERS[name](path, pa.table(columns))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3].rstrip(b"\n")[:-9])
    status = main(["eval", str(path), "--true", "y", "--pred", "s2" if "sv" in name else "p", "--loss", "mse"])
    said = capsys.readouterr()
    assert status == 1
    assert str(path) in said.err
    assert said.out == ""


OPEN = [  # the line that the row with the quote begins in
    ('y,p,g\n1,0.5,"a\n0,0.4,b\n1,0.3,c\n', 2),
    ('y,p,g\n1,0.5,"a\nb"\n0,0.4,"b', 4),
    ('y,p,g\n1,0.5,a\n\n0,0.4,"', 4),
    ('y,p,g\r\n1,0.5,"a ""b"""\r\n0,0.4,"b ""c""\r\n', 3),
    ('g,y,p\n"x,",1,0.5\n"x,",0,"0.4', 3),
    ("y,p,g\n" + '1,0.5,"a, b"\n' * 2000 + '1,0.3,"c\n' + "0,0.4,b\n" * 100, 2002),
]
CLOSED = [
    ('y,p,g\n1,0.5,"a\nb"\n1,0.5,"b\n"\n', 2),
    ('y,p,g\n1,0.5,"x,"\n1,0.5,"x,"""\n\n', 2),
    ('y,p,g\n1,0.5,5" x\n1,0.5,5"', 2),
    ('y,p,g\n1,0.5,""\n1,0.5,', 2),
    ('g,y,p\n"x,",1,0.5\n"x,",1,"0.5"', 2),
    ("y,p,g\n" + '1,0.5,"a\nb ""c"", d\ne"\n' * 2000, 2000),
]


@pytest.mark.parametrize("wanted", ["g", None], ids=["read", "not read"])
@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
@pytest.mark.parametrize(("text", "line"), OPEN)
def test_a_file_cut_inside_quotes_gives_no_result(text, line, name, wanted, tmp_path, capsys):
    """Nor one with a quote too many: all rows below it would be one cell."""
    if name.endswith(".gz") and text.endswith("0.4"):
        pytest.skip("a number that lacks its end, or only the quote: not worth unpacking each file twice")
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    by = ["--by", wanted] if wanted else []
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse", *by]) == 1
    said = f"{path}, line {line}: a quote opens a cell there, and none closes it: is the file cut short?\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
@pytest.mark.parametrize(("text", "rows"), CLOSED)
def test_cells_in_quotes_have_line_breaks(text, rows, name, tmp_path, capsys):
    """Also where a block of the text ends between them."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    for by in ([], ["--by", "g"]):
        assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse", *by]) == 0
        assert capsys.readouterr().out.splitlines()[1].split()[-2:] == [f"{rows:,}", "0.25"]


def test_a_quote_far_from_the_end_is_placed(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text('y,p,g\n1,0.5,a\n1,0.5,"a\n' + "1,0.5,a\n" * 5000)
    assert main(["eval", str(path), "--true", "y", "--pred", "p", "--loss", "mse"]) == 1
    assert f"{path}, line 3: a quote opens a cell there" in capsys.readouterr().err


WRONG = [
    (["--loss", "hubr"], "did you mean 'huber'?"),
    (["--loss", "huber:delt=1"], "huber has no parameter 'delt': it takes delta"),
    (["--loss", "huber:delta=-1"], "delta is -1: expected a finite number > 0"),
    (["--loss", "huber:1.5"], "expected name:parameter=value"),
    (["--loss", "mse,"], "expected losses separated by commas"),
    (["--loss", "triplet"], "triplet is a loss of embedding"),
    (["--loss", "mse", "--from-logits"], "has the parameter from_logits"),
    (["--loss", "mse", "--bootstrap", "1"], "--bootstrap must be 0 or at least 2"),
    (["--loss", "mse", "--confidence", "95"], "--confidence must lie between 0 and 1"),
    (["--loss", "mse", "--seed", "-1"], "--seed must be at least 0"),
    (["--loss", "mse", "--json", "nowhere/x.json"], "there is no directory"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_usage(options, message, tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("y,p\n1,2\n")
    assert main(["eval", str(path), "--true", "y", "--pred", "p", *options]) == 2
    assert message in capsys.readouterr().err


COLUMNS = [
    (["--pred", "p,q", "--loss", "mse"], "mse takes one column of predictions; --pred names 2"),
    (["--pred", "p", "--loss", "gaussian_nll"], "gaussian_nll takes 2 columns, location and log scale"),
    (["--pred", "p", "--loss", "cross_entropy"], "takes a column of predictions per class"),
    (["--pred", "p,q", "--loss", "kl_divergence"], "takes rows of targets, which a column is not"),
]


@pytest.mark.parametrize(("options", "message"), COLUMNS)
def test_columns_that_do_not_fit_the_loss(options, message, tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("y,p,q\n1,2,3\n")
    assert main(["eval", str(path), "--true", "y", *options]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.csv", "d.txt", "d.npy"])
def test_files_that_cannot_be_read(name, tmp_path, capsys):
    (tmp_path / "d.txt").write_text("y,p\n")
    np.save(tmp_path / "d.npy", np.zeros((2, 2, 2)))
    assert main(["eval", str(tmp_path / name), "--true", "0", "--pred", "1", "--loss", "mse"]) == 1
    assert str(tmp_path / name) in capsys.readouterr().err


def test_settings_are_as_before(columns, tmp_path, monkeypatch, capsys):
    """One thread of losses, unless another number was chosen: those that wait for a batch would hinder its reading."""
    from fastloss import settings

    _csv(tmp_path / "d.csv", pa.table(columns))
    seen = []
    monkeypatch.setattr(tables, "open_table", lambda *args: seen.append(fl.get_num_threads()) or opened(*args))
    before, checked = fl.get_num_threads(), settings.check_finite()
    options = ["eval", str(tmp_path / "d.csv"), "--true", "y", "--pred", "p", "--loss", "mse"]
    assert main(options) == 0
    assert (fl.get_num_threads(), settings.check_finite()) == (before, checked)
    try:
        fl.set_num_threads(3)
        assert main(options) == 0
        assert fl.get_num_threads() == 3
    finally:
        fl.set_num_threads(None)
    assert seen == ([1, 3] if backend.engine is not None else [1, 1])
    capsys.readouterr()
