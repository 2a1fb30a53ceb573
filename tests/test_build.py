"""What the build must keep: vector code in every kernel, no libm, one symbol per instruction set, and an install that
works without OpenMP and without a compiler."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from fastloss import backend

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    *sorted((ROOT / "src_c").rglob("*.[ch]")),
    *(path for ending in ("pyx", "pxi") for path in (ROOT / "fastloss").glob(f"*.{ending}")),
]
OPERATIONS = ("value", "gradient", "value_gradient", "exact", "majorize", "fisher")
SUMMING = ("sum", "sum_gradient")  # of the losses of cost 1 and 2
CC = shutil.which(os.environ.get("CC", "gcc")) or shutil.which("cc")

x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86-64 instructions")
engine = pytest.mark.skipif(backend.engine is None, reason="no compiled engine")
binutils = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("objdump", "readelf", "nm")), reason="binutils are not installed"
)

# Scalar operations that a vectorised loop may have beside it. Pointwise: what a formula computes of its parameters
# alone, once (2 gamma + 1; the most is 3). Over classes: the last steps of sums and maxima across the lanes of a row,
# in both layouts (the most is 25). A loop that was not vectorised has hundreds, and no packed ones.
SCALARS = {"pointwise": 8, "classes": 32}


def _tool(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@functools.cache
def _functions() -> dict[tuple[str, str], Counter[str]]:
    """(source file, function) of the engine: how many scalar and packed arithmetic instructions, and how many in all.

    A function exists once per instruction set under one name; the symbol table says which file an address belongs to.
    """
    binary = backend.engine.__file__
    owner, file = {}, ""
    for line in _tool("readelf", "-sW", binary).splitlines():
        fields = line.split()
        if len(fields) > 7 and fields[3] == "FILE":
            file = fields[7]
        elif len(fields) > 7 and fields[3] == "FUNC":
            owner[int(fields[1], 16)] = (file, fields[7])
    arithmetic = re.compile(r"v?(?:add|sub|mul|div|min|max|sqrt|fn?m(?:add|sub)(?:132|213|231))(s|p)[sd]$")
    found: dict[tuple[str, str], Counter[str]] = {}
    counts: Counter[str] = Counter()
    for line in _tool("objdump", "-d", "--no-show-raw-insn", binary).splitlines():
        if start := re.match(r"([0-9a-f]+) <", line):
            counts = found.setdefault(owner.get(int(start[1], 16), ("", "")), Counter())
        elif instruction := re.match(r"\s+[0-9a-f]+:\s+(\S+)", line):
            counts["all"] += instruction[1] not in ("nop", "nopw", "nopl", "data16", "cs", "xchg")
            if kind := arithmetic.match(instruction[1]):
                counts["scalar" if kind[1] == "s" else "packed"] += 1
    return found


def _is_stripped() -> bool:
    return not any(file.startswith("x86_64_v") for file, _ in _functions())


@x86
@engine
@binutils
@pytest.mark.parametrize("isa", ["x86_64_v3.c", "x86_64_v4.c"])
def test_every_loop_is_vector_code(isa):
    if _is_stripped():
        pytest.skip("the extension is stripped")
    functions = {name: counts for (file, name), counts in _functions().items() if file == isa}
    bad = []
    for kernel in backend.engine.kernel_names():
        if kernel in MARGINS or kernel.startswith(("ce_", "kl_", "terms_", "phi_")):
            continue
        for operation in OPERATIONS + SUMMING:
            for real in ("f32", "f64"):
                name = f"{kernel}_{operation}_{real}"
                if name not in functions:  # the compiler may drop what another kernel's table entry stands for
                    assert operation in ("majorize", "fisher", *SUMMING), f"{isa} has no {name}"
                    continue
                counts = functions[name]
                if counts["all"] <= 2:  # a jump to an equal function
                    continue
                if counts["scalar"] > (SCALARS["pointwise"] if counts["packed"] else 0):
                    bad.append(f"{name}: {counts['scalar']} scalar, {counts['packed']} packed operations")
    assert not bad, f"{isa}: not vectorised:\n" + "\n".join(bad)
    assert "squared_error_sum_gradient_f32" in functions


@x86
@engine
@binutils
@pytest.mark.parametrize("isa", ["x86_64_v3.c", "x86_64_v4.c"])
def test_stages_of_losses_over_classes_are_vector_code(isa):
    """Operations share them; the compiler keeps one of several that are equal (src_c/losses/classes.h)."""
    if _is_stripped():
        pytest.skip("the extension is stripped")
    stage = re.compile(r"(ce|kl)_\w+_(first_\w+|values|last\w*)_f(32|64)")
    stages = {name: c for (file, name), c in _functions().items() if file == isa and stage.fullmatch(name)}
    bad = [
        f"{name}: {counts['scalar']} scalar, {counts['packed']} packed operations"
        for name, counts in stages.items()
        if counts["all"] > 2 and counts["scalar"] > (SCALARS["classes"] if counts["packed"] else 0)
    ]
    assert not bad, f"{isa}: not vectorised:\n" + "\n".join(bad)
    assert {f"ce_index_logits_plain_first_value_{real}" for real in ("f32", "f64")} <= set(stages)
    assert {f"ce_dense_logits_last_exact_{real}" for real in ("f32", "f64")} <= set(stages)


# Losses of src_c/losses/margins.h have one function for all operations and both layouts, and the loops of
# src_c/losses/terms.h some for all losses; masks have the loops of src_c/overlap.h, of which those of slopes are three
# operations long.
MARGINS = ("multi_margin", "categorical_hinge", "multi_label_soft_margin", "multi_label_margin")
TERMS = (
    *("phi_of_logits", "phi_of_probabilities"),
    *("compute_terms", "chain_terms", "terms_at", "sum_terms", "terms_of_softmax", "terms_times"),
)
OVERLAP = ("overlap_sums", "overlap_sums_of_bytes", "overlap_weighted_sums")
SLOPES = ("overlap_slopes", "overlap_slopes_of_bytes")


@x86
@engine
@binutils
@pytest.mark.parametrize("isa", ["x86_64_v3.c", "x86_64_v4.c"])
def test_functions_that_losses_share_are_vector_code(isa):
    if _is_stripped():
        pytest.skip("the extension is stripped")
    for kernel in MARGINS + TERMS + OVERLAP + SLOPES:
        for real in ("f32", "f64"):
            found = [c for (file, f), c in _functions().items() if file == isa and re.match(rf"{kernel}_{real}\b", f)]
            assert len(found) == 1, f"{isa}: {kernel}_{real} is there {len(found)} times"
            counts = found[0]
            said = f"{isa}: {kernel}_{real}: {counts['scalar']} scalar, {counts['packed']} packed operations"
            assert counts["packed"] >= (3 if kernel in SLOPES else 7), said
            assert counts["scalar"] <= SCALARS["classes"], said


# Of the functions of src_c/pairs.h, which compute the numbers of a row and the last few of its entries one by one
# beside their loops: packed operations for each scalar one, at least. The largest difference is compared, which is no
# arithmetic.
LEAST_PACKED = 0.5
LEAST_PACKED_OF = {"triplet_inf": 0.25}


@x86
@engine
@binutils
@pytest.mark.parametrize("isa", ["x86_64_v3.c", "x86_64_v4.c"])
def test_loops_of_pairs_are_vector_code(isa):
    from test_embeddings import ROWS

    if _is_stripped():
        pytest.skip("the extension is stripped")
    functions = {name: counts for (file, name), counts in _functions().items() if file == isa}
    named = {name for name, _ in (loss._kernel() for loss in ROWS)} - {"ranking"}
    bad = []
    for kernel in sorted(named | {"run_ranking", "run_contrast"}):
        for real in ("f32", "f64"):
            counts = functions[f"{kernel}_{real}"]
            if counts["packed"] < max(10, LEAST_PACKED_OF.get(kernel, LEAST_PACKED) * counts["scalar"]):
                bad.append(f"{kernel}_{real}: {counts['scalar']} scalar, {counts['packed']} packed operations")
    assert not bad, f"{isa}: not vectorised:\n" + "\n".join(bad)


@x86
@pytest.mark.parametrize("word", ["v5", "x86-64-v3", "v3,v4", ""])
def test_a_build_of_an_unknown_instruction_set_stops_with_a_sentence(word):
    pytest.importorskip("Cython")
    command = [sys.executable, "setup.py", "clean", "--help"]
    env = os.environ | {"FASTLOSS_BUILD_ISA": word}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"FASTLOSS_BUILD_ISA is {word!r}: expected some of v2, v3 and v4")
    assert done.stderr.count("\n") == 1, "no traceback"


@engine
@binutils
def test_no_libm_and_one_export():
    binary = backend.engine.__file__
    wanted = {line.split()[-1].split("@")[0] for line in _tool("nm", "-D", "--undefined-only", binary).splitlines()}
    libm = {"exp", "expm1", "log", "log1p", "log2", "pow", "tanh", "cosh", "sqrt", "lgamma", "fma", "fmin", "fmax"}
    libm |= {name + "f" for name in libm}
    wanted -= {"pow"}  # of a general p in transport.h, which is not vector code
    assert not wanted & libm, "vector functions are ours (vmath.h), and fma must be an instruction"
    assert not {name for name in wanted if name.startswith("_ZGV")}, "vector libm"
    exported = {line.split()[-1] for line in _tool("nm", "-D", "--defined-only", binary).splitlines()}
    assert exported == {"PyInit__engine"}


@x86
@engine
@binutils
def test_an_instruction_set_exports_its_table_only():
    """What was global in an object and hidden by the linker stands in the symbol table under no file."""
    file, shared = "", set()
    for line in _tool("readelf", "-sW", backend.engine.__file__).partition("'.symtab'")[2].splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == "FILE":
            file = fields[7] if len(fields) > 7 else ""
        elif len(fields) > 7 and not file and fields[4] == "LOCAL" and not fields[7].startswith("_"):
            shared.add(fields[7])
    if not shared:
        pytest.skip("the extension is stripped")
    assert shared - {"pthread_atfork"} == {
        *("fl_bounds_f32", "fl_bounds_f64"),  # vmath.h: equal in each, and merged
        *("fl_x86_64_v2", "fl_x86_64_v3", "fl_x86_64_v4"),  # the tables
        *("fl_available", "fl_built", "fl_cache_bytes"),  # dispatch.c
        *("fl_run_blocks", "fl_add_blocks", "fl_quotient", "fl_inverse", "fl_product", "fl_is_positive"),  # driver.c
        "fl_add_arrays",
        *("fl_borrow", "fl_give_back"),  # memory.c
    }


@x86
@engine
@binutils
def test_no_mmx():
    """Its registers are x87's: the next longdouble of the caller would be NaN."""
    found = re.search(r"%mm[0-7]\b", _tool("objdump", "-d", "--no-show-raw-insn", backend.engine.__file__))
    assert not found


def test_flags_keep_ieee_arithmetic():
    text = re.sub(r"#.*", "", (ROOT / "setup.py").read_text())
    for flag in ("-ffast-math", "-Ofast", "-funsafe", "-fassociative-math", "-ffinite-math-only", "-ffp-contract=fast"):
        assert flag not in text
    for flag in ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"):
        assert f'"{flag}"' in text


def test_no_narrow_index_runs_over_data():
    """An int counts to 2^31; arrays are longer. Loops that end at a constant, or at a handful, may have one."""
    small = re.compile(r"<\s*(FL_PARAMETERS|LANES|n_segments|WIDTH|\d+)\b")
    bad = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            narrow = re.search(r"for \((?:unsigned |u?int(?:32_t)?\b|unsigned\b|long\b)", line)
            if narrow and not small.search(line):
                bad.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not bad, "use ptrdiff_t:\n" + "\n".join(bad)


def test_every_kernel_belongs_to_a_loss_and_every_loss_to_a_kernel():
    """The two sides of the seam: rows of the X-macro lists in src_c/losses, and what `_kernel` of a loss can name."""
    if backend.engine is None:
        pytest.skip("no compiled engine")
    from cases import LOSSES

    named, built = {loss._kernel().name for loss in LOSSES}, set(backend.engine.kernel_names())
    assert named <= built, f"no compiled kernel: {sorted(named - built)}; add it to its family's list in src_c/losses"
    assert built <= named, f"no loss uses the kernels {sorted(built - named)}: name them in a `_kernel`"


# -- installs ---------------------------------------------------------------------------------------------------------


def _copy(tmp_path: Path) -> Path:
    """A copy of the tree as it is before a build."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("*.so", "_engine.c", "__pycache__", "*.egg-info")
    for name in ("fastloss", "src_c"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignore)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_a_source_distribution_has_what_a_build_needs(tmp_path):
    pytest.importorskip("Cython")
    copy = _copy(tmp_path)
    sources = [*copy.glob("src_c/**/*.[ch]"), *copy.glob("fastloss/**/*.py*")]
    needed = {str(path.relative_to(copy)) for path in sources} | {"setup.py", "pyproject.toml"}
    subprocess.run([sys.executable, "setup.py", "-q", "sdist"], cwd=copy, check=True, capture_output=True)
    with tarfile.open(next((copy / "dist").iterdir())) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert needed <= packed


def _install(tmp_path: Path, **environment: str) -> tuple[str, str]:
    """What pip says, and what `fastloss info` says after an install of a copy with other conditions."""
    copy, site = _copy(tmp_path), tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-v",
        "--no-build-isolation",
        "--no-deps",
        "--target",
        site,
        copy,
    ]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    program = (  # an editable install of this tree would lend its engine
        f"import sys; sys.path.insert(0, {str(site)!r}); "
        "sys.meta_path = [x for x in sys.meta_path if '__editable__' not in str(getattr(x, '__module__', ''))]; "
        "import fastloss as fl; "
        f"assert fl.__file__.startswith({str(site)!r}); fl.show_config(); print(fl.Huber()([1.0], [3.0]))"
    )
    info = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert info.returncode == 0, info.stderr
    return done.stdout + done.stderr, info.stdout + info.stderr


def test_installs_without_a_compiler(tmp_path):
    pytest.importorskip("Cython")
    said, info = _install(tmp_path, CC="/nonexistent/cc")
    assert "C compiler" in said, f"the install must say what happened:\n{said[-3000:]}"
    assert re.search(r"backend +numpy", info)
    assert info.count("RuntimeWarning") == 1
    assert "Install a C compiler" in info
    assert "\n1.5\n" in info


@pytest.mark.long
@pytest.mark.skipif(CC is None or sysconfig.get_path("include") is None, reason="no compiler")
def test_builds_without_openmp(tmp_path):
    pytest.importorskip("Cython")
    said, info = _install(tmp_path, FASTLOSS_OPENMP="0")
    assert "no OpenMP" in said
    assert re.search(r"backend +compiled", info)
    assert re.search(r"openmp +none: one thread only", info)
    assert re.search(r"threads +1$", info, re.MULTILINE)
