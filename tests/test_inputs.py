"""Whatever NumPy or DLPack understands comes in, gives the numbers of the plain array, and is left as it was."""

from __future__ import annotations

import enum
import itertools

import numpy as np
import pytest
from cases import DEFAULTS, DTYPES, LOSSES, WIDE, call, data, everything, same_bits, sample_shape, seed_of

import fastloss as fl

losses = pytest.mark.parametrize("loss", DEFAULTS, ids=repr)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def all_same(a, b):
    return all(map(same_bits, a, b))


def full(loss, y, z, w=None, **more):
    return loss.value_and_gradient(y, z, w, **more)


@dtypes
@pytest.mark.parametrize("bits", [24, 50, 51, 52, 53, 62, 63])
def test_an_integer_is_rounded_once(bits, dtype):
    """Also beyond what the quick conversion holds, which looks at a tile of targets at once (tile.h)."""
    ends = np.array([-(2**bits), 1 - 2**bits, 2**bits - 1, 3 * 2 ** (bits - 2) + 1], dtype=np.int64)
    y = np.concatenate([np.arange(3000), ends])
    gradient = fl.HalfSquaredError().gradient(y, np.zeros(y.size, dtype), reduction="sum")
    assert same_bits(gradient, 0 - y.astype(dtype))


# -- buffers ----------------------------------------------------------------------------------------------------------


def layouts(x):
    """The same numbers laid out in other ways."""
    yield "steps", np.repeat(x, 3, axis=0)[::3]
    yield "backwards", np.ascontiguousarray(x[::-1])[::-1]
    yield "Fortran", np.asfortranarray(np.stack([x, x], axis=-1))[..., 0]
    yield "big-endian", x.astype(x.dtype.newbyteorder(">"))
    yield "unaligned", np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    read_only = x.copy()
    read_only.flags.writeable = False
    yield "read-only", read_only
    yield "subclass", x.view(type("Sub", (np.ndarray,), {}))
    yield "list", x.tolist()
    yield "tuple", tuple(x.tolist())
    yield "memoryview", memoryview(x)
    yield "object", x.astype(object)
    yield "slice", np.concatenate([x[:1], x])[1:]


@dtypes
@losses
def test_layouts(loss, dtype):
    y, z = data(loss, 40, dtype)
    w = seed_of("layouts").uniform(0, 2, 40)
    for a, b, c in zip(layouts(y), layouts(z), layouts(w), strict=True):
        name = b[0]
        kept = None if not isinstance(b[1], np.ndarray) else (a[1].copy(), b[1].copy(), c[1].copy())
        pred = b[1]
        if dtype == np.float32 and name in ("list", "tuple", "object"):  # these are float64
            pred = z
        got = full(loss, a[1], pred, c[1])
        assert all_same(got, full(loss, y, z, w)), name
        assert got[1].dtype == dtype, name
        assert got[1].flags.c_contiguous, name
        if kept:
            assert all(
                before.tobytes() == after.tobytes() for before, after in zip(kept, (a[1], b[1], c[1]), strict=True)
            ), name
        # one of them at a time, too
        for args in ((a[1], z, w), (y, pred, w), (y, z, c[1])):
            assert all_same(full(loss, *args), full(loss, y, z, w)), name


@losses
def test_two_axes_in_fortran_order(loss):
    y, z = data(loss, 24)
    y, z = y.reshape((6, 4, *y.shape[1:])), z.reshape((6, 4, *z.shape[1:]))
    w = seed_of("F").uniform(0, 2, (6, 4))
    got = full(loss, np.asfortranarray(y), np.asfortranarray(z), np.asfortranarray(w))
    assert all_same(got, full(loss, y, z, w))
    out = np.empty_like(z)
    loss.gradient(np.asfortranarray(y), np.asfortranarray(z), out=out)
    assert same_bits(out, loss.gradient(y, z))


@dtypes
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_in_place(loss, dtype):
    """out may be y_pred: gradient, and Hessian, and both ways round; at sizes with and without a remainder."""
    for n in (1, 16, 100) if loss.layout == "classes" else (1, 16, 100, 1024, 5000):
        for n_classes in (3, WIDE) if loss.layout == "classes" and not loss.params.get("class_weight") else (3,):
            y, z = data(loss, n, dtype, n_classes)
            if loss.layout == "classes" and n == 1:
                y = y if y.ndim > 1 else np.zeros(1, int)
                if loss.params.get("ignore_index") == 0:
                    continue
            w = np.ones(n)
            for operation, arguments in everything(loss):
                if operation == "value":
                    continue
                want = call(loss, operation, y, z, w, **arguments)
                other = np.empty_like(z)
                work = z.copy()
                two = operation == "gradient_and_hessian"
                got = call(loss, operation, y, work, w, out=(work, other) if two else work, **arguments)
                assert all_same(got, want), f"{operation} {arguments} n={n} K={n_classes}"
                assert got[-2 if two else -1] is work
                if two:
                    work = z.copy()
                    got = call(loss, operation, y, work, w, out=(other, work), **arguments)
                    assert all_same(got, want), f"hessian in place {arguments} n={n} K={n_classes}"
                    assert got[1] is work


@dtypes
@losses
def test_out_is_returned_and_filled_to_the_edges(loss, dtype):
    for n in (1, 7, 513, 4097):
        y, z = data(loss, n, dtype)
        around = np.full(z.size + 64, -77, dtype)
        for start in (0, 1, 3, 17):
            around[:] = -77
            out = around[start : start + z.size].reshape(z.shape)
            value, gradient = loss.value_and_gradient(y, z, reduction="none", out=out)
            assert gradient is out
            assert same_bits(gradient, loss.gradient(y, z, reduction="none"))
            assert (around[:start] == -77).all(), "wrote before out"
            assert (around[start + z.size :] == -77).all(), "wrote past out"
            assert value.shape == sample_shape(loss, z)


def test_in_place_of_what_is_copied():
    """out is y_pred, but y_pred must be converted first."""
    loss = fl.SquaredError()
    y = np.array([0.0, 1.0, 2.0])
    half = np.array([1.0, 3.0, 5.0], np.float16)
    got = loss.gradient(y, half, reduction="none", out=half)
    assert got is half
    assert half.tolist() == [2.0, 4.0, 6.0]
    long = np.array([1.0, 3.0, 5.0], np.longdouble)
    got = loss.gradient(y, long, reduction="none", out=long)
    assert got is long
    assert long.tolist() == [2.0, 4.0, 6.0]


# -- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*INTEGERS, "bool"])
def test_integer_predictions_become_float64(name):
    """uint8 differences wrap elsewhere (scikit-learn#28827)."""
    z = np.array([0, 1, 1, 0, 1], name)
    y = np.array([1, 0, 1, 0, 1], name)
    value, gradient = fl.SquaredError().value_and_gradient(y, z, reduction="none")
    assert value.tolist() == [1, 1, 0, 0, 0]
    assert gradient.tolist() == [-2, 2, 0, 0, 0]
    assert value.dtype == gradient.dtype == np.float64
    if name != "bool":
        assert fl.AbsoluteError()(np.array([0], name), np.array([100], name)) == 100
        assert fl.AbsoluteError()(np.array([100], name), np.array([0], name)) == 100


@dtypes
@pytest.mark.parametrize("name", [*INTEGERS, "bool", "float16", "float32", "float64", "longdouble", ">i4", ">f8"])
def test_targets_and_weights_of_any_type(name, dtype):
    rng = seed_of(name)
    y = rng.integers(0, 2, 1000).astype(name)
    w = rng.integers(0, 2, 1000).astype(name)
    for loss in DEFAULTS:
        if (
            loss.layout != "classes"
            and loss.target_domain.low <= 0 <= loss.target_domain.high
            and loss.target_domain.code != 1
        ):
            _, z = data(loss, 1000, dtype)
            got = full(loss, y, z, w, reduction="none")
            assert all_same(got, full(loss, y.astype(dtype), z, w.astype(dtype), reduction="none")), loss
            assert got[1].dtype == dtype
        if loss.takes_labels:
            _, z = data(loss, 1000, dtype)
            assert all_same(full(loss, y, z, w), full(loss, y.astype(int), z, w.astype(float))), loss


@pytest.mark.parametrize("name", INTEGERS)
def test_large_integers_keep_their_value(name):
    info = np.iinfo(name)
    y = np.array([info.min, info.max, 0, 1, info.max // 3], name)
    z = np.zeros(5)
    assert same_bits(fl.AbsoluteError()(y, z, reduction="none"), np.abs(y.astype(float)))
    assert same_bits(fl.AbsoluteError()(z, y, reduction="none"), np.abs(y.astype(float)))


@losses
def test_float16_is_computed_in_float32(loss):
    y, z = data(loss, 50, np.float32)
    z = z.astype(np.float16)
    value, gradient = loss.value_and_gradient(y, z, reduction="none")
    want = loss.value_and_gradient(y, z.astype(np.float32), reduction="none")
    assert value.dtype == gradient.dtype == np.float16
    with np.errstate(over="ignore"):
        assert same_bits(value, want[0].astype(np.float16))
        assert same_bits(gradient, want[1].astype(np.float16))
        out = np.empty_like(z)
        assert loss.gradient(y, z, reduction="none", out=out) is out
        assert same_bits(out, gradient)
        both = loss.gradient_and_hessian(y, z, out=(np.empty_like(z), np.empty_like(z)))
        assert both[1].dtype == np.float16
    assert isinstance(loss(y, z), float)
    assert same_bits(loss(y, z), loss(y, z.astype(np.float32)))


@losses
def test_longdouble_runs_in_the_reference(loss):
    y, z = data(loss, 50)
    long = z.astype(np.longdouble)
    got = loss.value_and_gradient(y, long, reduction="none")
    want = loss.reference(y if loss.takes_labels else y.astype(np.longdouble), long)
    assert got[1].dtype == np.longdouble
    if np.dtype(np.longdouble) != np.float64:
        assert all_same(got, want[:2])
    np.testing.assert_allclose(got[0].astype(float), loss(y, z, reduction="none"), rtol=1e-12, atol=1e-15)
    assert isinstance(loss(y, long), float)
    out = np.empty_like(long)
    assert loss.gradient(y, long, out=out) is out


@pytest.mark.parametrize("name", [*INTEGERS, "bool", "float32", "float64", "float16", ">i8", "longdouble"])
def test_labels_of_any_type(name):
    for n_classes in (2, WIDE):
        z = seed_of("labels").normal(0, 1, (30, n_classes))
        y = np.arange(30) % 2
        loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
        assert all_same(full(loss, y.astype(name), z), full(loss, y, z)), n_classes


def test_labels_keep_their_value_in_any_type():
    """A label of 200 must not pass through int8, nor 2**24 + 1 through float32."""
    z = np.zeros((1, 300), np.float32)
    loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
    for name in ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        gradient = loss.gradient(np.array([200], name), z)
        assert gradient.argmin() == 200, name
    ignoring = fl.SparseCategoricalCrossEntropy(from_logits=True, ignore_index=2**24)
    with pytest.raises(ValueError, match=r"y_true\[0\] is 16777217"):
        ignoring(np.array([2**24 + 1]), z)
    assert fl.SparseCategoricalCrossEntropy(True, ignore_index=-(2**40))(np.array([-(2**40), 3]), np.zeros((2, 5))) > 0


# -- containers -------------------------------------------------------------------------------------------------------


class OnlyDLPack:
    """What speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnlyArray:
    """What speaks __array__ and nothing else."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def _pandas(x):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(x, index=range(7, 7 + len(x))) if x.ndim == 1 else pandas.DataFrame(x)


def _polars(x):
    polars = pytest.importorskip("polars")
    return polars.Series(x) if x.ndim == 1 else polars.DataFrame(x)


def _torch(x):
    return pytest.importorskip("torch").from_numpy(x.copy())


def test_an_accumulator_takes_labels_that_speak_dlpack_only():
    labels, scores = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, -2.0])
    accumulator = fl.Hinge().accumulator()
    accumulator.update(OnlyDLPack(labels), OnlyDLPack(scores))
    assert accumulator.value() == fl.Hinge()(labels, scores)


@pytest.mark.parametrize(
    "wrap", [OnlyDLPack, OnlyArray, _pandas, _polars, _torch], ids=lambda wrap: wrap.__name__.strip("_")
)
def test_containers(wrap):
    for loss in DEFAULTS:
        for dtype in DTYPES:
            y, z = data(loss, 30, dtype)
            w = seed_of("containers").uniform(0, 2, 30)
            got = full(loss, wrap(y), wrap(z), wrap(w))
            assert all_same(got, full(loss, y, z, w)), loss
            assert isinstance(got[1], np.ndarray)
            assert got[1].dtype == dtype


def test_pandas_values_may_be_missing_and_say_so():
    pandas = pytest.importorskip("pandas")
    column = pandas.Series([1.0, None, 2.0], dtype="Float64")
    with pytest.raises(TypeError, match=r"y_true.*(missing|real numbers)"):
        fl.SquaredError()(column.astype(object), [1.0, 2.0, 3.0])


def test_tensors_that_need_gradients_say_so():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"y_pred cannot be read as an array of numbers.*detach"):
        fl.SquaredError()([1.0], torch.ones(1, requires_grad=True))


# -- sizes and shapes -------------------------------------------------------------------------------------------------


@losses
def test_no_samples(loss):
    y, z = data(loss, 4)
    y, z = y[:0], z[:0]
    assert loss(y, z, reduction="sum") == 0.0
    for w in (None, np.ones(0)):
        value, gradient = loss.value_and_gradient(y, z, w, reduction="none")
        assert value.shape == sample_shape(loss, z)
        assert gradient.shape == z.shape
        for kind in loss.hessian_kinds:
            assert all(x.shape == z.shape for x in loss.gradient_and_hessian(y, z, w, reduction="sum", hessian=kind))
    with pytest.raises(ValueError, match="there are no samples"):
        loss(y, z)
    with pytest.raises(ValueError, match="there are no samples"):
        loss.gradient(y, z)


@losses
def test_all_weights_zero(loss):
    y, z = data(loss, 6, kinks=False)
    w = np.zeros(6)
    assert loss(y, z, w, reduction="sum") == 0.0
    assert not loss.gradient(y, z, w, reduction="sum").any()
    with pytest.raises(ValueError, match="total weight is zero"):
        loss(y, z, w)
    with pytest.raises(ValueError, match="total weight is zero"):
        loss.gradient_and_hessian(y, z, w)


def test_scalars():
    assert fl.SquaredError()(1.0, 3.0) == 4.0
    assert fl.SquaredError()(np.array(1.0), np.array(3.0), np.array([2.0]), reduction="sum") == 8.0
    value, gradient = fl.SquaredError().value_and_gradient(np.float32(1), np.float32(3), reduction="none")
    assert value.shape == gradient.shape == ()
    assert value.dtype == gradient.dtype == np.float32
    assert gradient == 4
    out = np.empty(())
    assert fl.SquaredError().gradient(1.0, 3.0, out=out) is out
    assert out == 4
    assert fl.SparseCategoricalCrossEntropy(from_logits=True)(1, [0.0, 0.0]) == pytest.approx(np.log(2))
    assert fl.CategoricalCrossEntropy()([0.0, 1.0], [0.5, 0.5], reduction="none").shape == ()


@losses
def test_empty_axes(loss):
    y, z = data(loss, 6)
    y, z = y[:0].reshape((3, 0, 2, *y.shape[1:])), z[:0].reshape((3, 0, 2, *z.shape[1:]))
    value, gradient = loss.value_and_gradient(y, z, reduction="none")
    assert value.shape == (3, 0, 2)
    assert gradient.shape == z.shape
    assert loss(y, z, np.ones(3), reduction="sum") == 0


@losses
def test_repeated_calls_are_equal_and_leave_inputs_alone(loss):
    y, z = data(loss, 300)
    w = seed_of("again").uniform(0, 2, 300)
    before = y.tobytes(), z.tobytes(), w.tobytes()
    first = [call(loss, operation, y, z, w, **more) for operation, more in everything(loss)]
    for _ in range(3):
        again = [call(loss, operation, y, z, w, **more) for operation, more in everything(loss)]
        assert all(itertools.starmap(all_same, zip(first, again, strict=True)))
    assert before == (y.tobytes(), z.tobytes(), w.tobytes())


# -- words ------------------------------------------------------------------------------------------------------------


class Way(str, enum.Enum):  # noqa: UP042  a StrEnum's text is its value, this one's is not
    MEAN, SUM, NONE = "mean", "sum", "none"


@pytest.mark.parametrize("kind", [np.str_, enum.StrEnum("Word", {w: w for w in ("mean", "sum", "none")}), Way])
@pytest.mark.parametrize("loss", [fl.Huber(), 0.5 * fl.Huber() + fl.LogCosh(), fl.MarginRanking()], ids=repr)
def test_words_of_any_kind_of_text(loss, kind):
    y, z = np.array([1.0, 2.0, 4.0]), np.array([1.5, 0.0, 4.0])
    given = (y, z) if isinstance(loss, fl.Loss) else ([1, -1, 1], y, z)
    for word in ("mean", "sum", "none"):
        assert np.array_equal(loss(*given, reduction=kind(word)), loss(*given, reduction=word))
        if isinstance(loss, fl.Loss):
            for method in (loss.gradient, loss.value_and_gradient, loss.gradient_and_hessian):
                for got, want in zip(method(*given, reduction=kind(word)), method(*given, reduction=word), strict=True):
                    assert np.array_equal(got, want)
    assert fl.RootMeanSquaredError()(y, z, reduction=kind("mean")) == fl.RootMeanSquaredError()(y, z)


def test_a_word_becomes_plain_text():
    Link = enum.Enum("Link", {"LOG": "log"}, type=str)
    for link in (np.str_("log"), Link.LOG):
        assert type(fl.Poisson(link=link).link) is str
        assert fl.Poisson(link=link) == fl.Poisson()
