"""`fastloss recommend` answers for a file in text, JSON and HTML, and says which column is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fastloss.cli import main

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("pyarrow", reason="pyarrow reads CSV files")

N = 300


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, N))
    y = a - b + rng.laplace(size=N)
    label = np.where(rng.random(N) < 1 / (1 + np.exp(-2 * a)), "yes", "no")
    path = tmp_path_factory.mktemp("data") / "data.csv"
    rows = zip(y, a, b, a - b, label, ["x"] * N, strict=True)
    lines = ["y,a,b,p,label,word", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_text(file, capsys):
    assert main(["recommend", str(file), "--target", "y", "--pred", "p", "--metric", "mae"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Recommended: ")
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80


def test_words_are_those_of_the_command_line(file, capsys, tmp_path):
    """What a user of files reads names options and columns, and no argument of a function."""
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("X,p\n" + "".join(f"{k % 5 + 1},{k % 7}\n" for k in range(100)))
    reports = []
    for options in (
        [str(file), "--target", "y"],
        [str(file), "--target", "y", "--pred", "p"],
        [str(file), "--target", "label"],
        [str(ratings), "--target", "X"],
        [str(ratings), "--target", "X", "--task", "count", "--pred", "p"],
    ):
        assert main(["recommend", *options, "--json"]) == 0
        reports.append(" ".join(json.loads(capsys.readouterr().out)["reasons"]))
    for report in reports:
        for word in ("y_true", "y_pred", " X ", "X:", "task="):
            assert word not in report
    assert "pass --pred or --features" in reports[0]
    assert "without --features" in reports[1]
    assert "pass --pred, or --features to train with" in reports[2]
    assert "say --task count or --task regression" in reports[3]


def test_json_html_and_features(file, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "advice.html"
    options = ["--target", "label", "--features", "a,b", "--metric", "accuracy", "--json", "--html", str(page)]
    assert main(["recommend", str(file), *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["target"]["kind"] == "binary"
    assert report["target"]["labels"] == ["no", "yes"]
    assert report["ranking"][0]["trials"]["linear"]["value"] > 0.7
    assert page.read_text().startswith("<!doctype html>")


def test_verify_takes_the_other_columns(file, capsys, tmp_path):
    table = np.genfromtxt(file, delimiter=",", skip_header=1, usecols=(0, 1, 2))
    np.save(tmp_path / "data.npy", table)
    assert main(["recommend", str(tmp_path / "data.npy"), "--target", "0", "--verify", "--time-budget", "0.01"]) == 0
    out = capsys.readouterr().out
    assert "linear" in out
    assert "cross-validated" in out
    assert "time budget" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "z"], "no column 'z'"),
        (["--target", "labels"], "did you mean 'label'"),
        (["--target", "y", "--features", "a,word"], "'word'"),
        (["--target", "y", "--features", "a,y"], "read off the answer"),
        (["--target", "word"], "constant"),
        (["--target", "y", "--metric", "hubber"], "did you mean 'huber'"),
        (["--target", "y", "--task", "multilabel"], "--task multilabel, and column 'y' is one number per sample"),
        (["--target", "y", "--metric", "roc_auc"], "--metric roc_auc is for binary; column 'y' is continuous"),
    ],
)
def test_wrong_columns_are_explained(file, capsys, options, message):
    assert main(["recommend", str(file), *options]) == 1
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


def test_mixed_and_missing_targets_are_placed(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,x\n1,0\nhigh,0\n2,0\n")
    assert main(["recommend", str(path), "--target", "y"]) == 1
    assert "line 3: column 'y' is 'high', and other rows hold numbers" in capsys.readouterr().err
    path.write_text("y,x\n1,0\n2,0\n,0\n")
    assert main(["recommend", str(path), "--target", "y"]) == 1
    assert "line 4: column 'y' is empty" in capsys.readouterr().err


@pytest.mark.parametrize("gap", ["", "NA", "nan"])
def test_gaps_are_placed_once(gap, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text(f"y,x\n1,0\n2,0\n{gap},0\n")
    assert main(["recommend", str(path), "--target", "y"]) == 1
    err = capsys.readouterr().err
    assert err == f"{path}, line 4: column 'y' is {repr(gap) if gap else 'empty'}: drop the row\n"


@pytest.mark.parametrize("options", [["--features", "x,gone"], ["--verify"], ["--target", "gone"]])
def test_a_column_of_nothing_is_named(options, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,x,gone\n" + "1,0,\n2,1,\n" * 20)
    assert main(["recommend", str(path), "--target", "y", *options]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: column 'gone' is missing in every row: ")


def test_three_rows_are_not_enough(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y\n0\n1\n2\n")
    assert main(["recommend", str(path), "--target", "y"]) == 0
    assert "3 rows: not enough data" in capsys.readouterr().out


def test_a_label_may_be_called_na(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,x\n" + "NA,0\nDE,0\n" * 20)
    assert main(["recommend", str(path), "--target", "y"]) == 0
    assert "binary" in capsys.readouterr().out


def test_features_of_text_are_to_be_encoded(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,x\n" + "1,blue\n2,red\n" * 20)
    assert main(["recommend", str(path), "--target", "y", "--verify"]) == 1
    assert "column 'x' is 'blue': expected a number; encode text" in capsys.readouterr().err


def test_wrong_options(file, tmp_path):
    for options in (
        ["--cv", "1"],
        ["--time-budget", "0"],
        ["--seed", "-1"],
        ["--html", str(tmp_path / "none" / "a.html")],
        ["--html", str(file)],
    ):
        assert main(["recommend", str(file), "--target", "y", *options]) == 2


def test_weights_and_models(file, capsys, tmp_path):
    text = file.read_text().splitlines()
    heavy = tmp_path / "data.csv"
    heavy.write_text("\n".join([text[0] + ",w", *(f"{line},{1 + k % 3}" for k, line in enumerate(text[1:]))]) + "\n")
    options = ["--target", "y", "--features", "a,b", "--weight", "w", "--models", "linear", "--json"]
    assert main(["recommend", str(heavy), *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert any("of equal weight" in remark for remark in report["remarks"])
    assert list(report["ranking"][0]["trials"]) == ["linear"]
    assert main(["recommend", str(heavy), "--target", "y", "--weight", "word"]) == 1
    assert "column 'word' is 'x': expected a number" in capsys.readouterr().err


def test_a_weight_is_no_feature(tmp_path, capsys):
    path = tmp_path / "data.csv"
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    rows = zip(x + rng.normal(size=60), x, [1.0] * 60, strict=True)
    path.write_text("\n".join(["y,x,w", *(",".join(map(str, row)) for row in rows)]) + "\n")
    assert main(["recommend", str(path), "--target", "y", "--weight", "w", "--verify", "--models", "linear"]) == 0
    path.write_text("y,w\n" + "1.5,1\n2,2\n" * 20)
    assert main(["recommend", str(path), "--target", "y", "--weight", "w", "--verify"]) == 1
    assert "there are none" in capsys.readouterr().err


def test_a_heading_alone_is_no_data(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,x\n")
    assert main(["recommend", str(path), "--target", "y"]) == 1
    assert "has no rows" in capsys.readouterr().err


def test_text_beside_features_names_the_option(file, capsys):
    assert main(["recommend", str(file), "--target", "y", "--verify"]) == 1
    assert "--features names those to learn from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ("nan,1", ["--pred", "p"], "line 12: column 'p' is nan: drop such rows"),
        ("0.5,-1", ["--weight", "w"], "line 12: column 'w' is -1.0: expected weights"),
    ],
)
def test_bad_numbers_are_placed(cells, options, message, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("y,p,w\n" + "1.5,1,1\n2,2,1\n" * 5 + f"3,{cells}\n")
    assert main(["recommend", str(path), "--target", "y", *options]) == 1
    assert capsys.readouterr().err.startswith(f"{path}, {message}")


def test_a_model_that_there_is_not_is_guessed_at(file, capsys):
    assert main(["recommend", str(file), "--target", "y", "--features", "a", "--models", "linear,lightgm"]) == 2
    assert (
        "--models: there is no 'lightgm' (did you mean 'lightgbm'?); it takes linear, trees, lightgbm"
        in capsys.readouterr().err
    )


def test_options_of_the_cross_validation_want_features(file, capsys):
    for option in (["--models", "linear"], ["--cv", "3"], ["--time-budget", "9"]):
        assert main(["recommend", str(file), "--target", "y", *option]) == 2
        assert f"{option[0]} is for the cross-validation: give --features, or --verify" in capsys.readouterr().err
