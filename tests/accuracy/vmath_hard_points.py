"""Exact results of the functions of vmath.h at hard float64 points, for vmath_exhaustive.c --hard.

    python vmath_hard_points.py [points per function, default 1000] > /tmp/hard.csv

One line per point: name,x,y,rounded,rest in hexadecimal floats (y is 0 for functions of one argument). The exact result
is `rounded`, its nearest float64, plus `rest` ULPs of that; an ULP, since the rest itself may underflow. The points are
those where an implementation slips: beside the borders of the argument reductions (half multiples of ln 2; 2/3 and 4/3
times powers of two), beside the zeros and poles, tiny and subnormal arguments and results, the last arguments before
overflow and underflow, some of the worst cases for rounding from Lefevre and Muller's tables, and random ones to
fill up. Seeded: the same on every run.
"""

import math
import random
import sys

from mpmath import mp, mpf

mp.prec = 1300  # 1 + exp(-700) must not round to 1, and the differences have digits left at 2^-540


def neighbours(x, count=3):
    """x and the floats beside it."""
    x = float(x)
    found = [x]
    for direction in (math.inf, -math.inf):
        y = x
        for _ in range(count):
            y = math.nextafter(y, direction)
            found.append(y)
    return found


def split(value):
    """The nearest float, infinite where the value rounds to infinity, and what is missing, in ULPs."""
    if value == 0:
        return 0.0, 0.0
    if abs(value) >= mpf(2) ** 1024 - mpf(2) ** 970:
        return math.copysign(math.inf, value), 0.0
    unit = max(int(mp.floor(mp.log(abs(value), 2))), -1022) - 52
    scaled = mp.ldexp(value, -unit)
    whole = int(mp.nint(scaled))
    rest = scaled - whole
    rounded = math.ldexp(whole, unit)
    return rounded, float(rest / 2 if abs(whole) == 2**53 else rest)


TINY = [
    math.ldexp(m, e)
    for e in (
        -1074,
        -1073,
        -1050,
        -1023,
        -1022,
        -1000,
        -700,
        -300,
        -100,
        -60,
        -55,
        -54,
        -53,
        -52,
        -40,
        -27,
        -26,
        -20,
        -10,
    )
    for m in (1.0, 1.5, 1.9999)
]
EXP_BORDERS = [
    x
    for n in (0, 1, 2, 3, 10, 25, 26, 52, 53, 54, 55, 100, 511, 700, 1020, 1021, 1022, 1023, 1050, 1073, 1074)
    for half in (0, 0.5)
    for x in neighbours((n + mpf(half)) * mp.log(2), 2)
]
EXP_ENDS = neighbours(709.782712893384, 4) + neighbours(-708.3964185322641, 4) + neighbours(-745.1332191019412, 4)
EXP_WORST = [
    float.fromhex(h)
    for h in (
        "0x1.ffffffffffffep-54",
        "0x1.9e9cbbfd6080bp-31",
        "0x1.83d4bcdebb3f4p+2",
        "0x1.fce66609f7428p+5",
        "0x1.b6609f7428p+3",
    )
]
LOG_BORDERS = [
    x
    for k in (-1074, -1040, -1023, -1022, -1021, -500, -54, -3, -2, -1, 0, 1, 2, 3, 53, 54, 500, 1022, 1023)
    for m in (1, mpf(2) / 3, mpf(4) / 3)
    for x in neighbours(mp.ldexp(m, k), 2)
    if 0 < x < math.inf
]
LOG_WORST = [
    float.fromhex(h)
    for h in ("0x1.fd15aafcebbf3p-1", "0x1.b0c3a0c8a7c6fp+0", "0x1.62a88613629b6p+678", "0x1.ab50b409c8aeep+8")
]
LOG1P_BORDERS = [
    float(s * (mp.ldexp(m, k) - 1))
    for k in (-53, -30, -2, -1, 0, 1, 2, 20, 52, 53, 54, 60, 65, 1000)
    for m in (mpf(2) / 3, 1, mpf(4) / 3)
    for s in (1,)
]


def signed(points):
    return points + [-x for x in points]


def around(points, count=1):
    return [y for x in points for y in neighbours(x, count)]


def uniform(low, high):
    return lambda rng: rng.uniform(low, high)


def log_uniform(low, high, sign=False):
    return lambda rng: math.exp(rng.uniform(math.log(low), math.log(high))) * (rng.choice((1, -1)) if sign else 1)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


def expm1_excess(x):
    return mp.expm1(x) - x


def log1p_excess(x):
    return x - mp.log1p(x)


def lgamma1p(y):
    return mp.loggamma(1 + y)


# name: (function, hard points, how to draw the rest, domain)
FUNCTIONS = {
    "exp": (
        mp.exp,
        signed(EXP_BORDERS + TINY + EXP_WORST) + EXP_ENDS,
        (uniform(-746, 710), uniform(-1, 1)),
        (-1e4, 1e4),
    ),
    "exp_nonpositive": (
        mp.exp,
        [-abs(x) for x in EXP_BORDERS + TINY + EXP_WORST + EXP_ENDS],
        (uniform(-746, 0), uniform(-1, 0)),
        (-1e4, 0),
    ),
    "expm1": (
        mp.expm1,
        signed(EXP_BORDERS + TINY + EXP_WORST) + EXP_ENDS,
        (uniform(-40, 40), log_uniform(1e-18, 1, True)),
        (-1e4, 1e4),
    ),
    "expm1_excess": (
        expm1_excess,
        signed(EXP_BORDERS + TINY + EXP_WORST) + EXP_ENDS,
        (uniform(-40, 40), log_uniform(1e-18, 1, True)),
        (-1e4, 1e4),
    ),
    "exp_growth": (
        mp.exp,
        signed(EXP_BORDERS + TINY + EXP_WORST) + EXP_ENDS,
        (uniform(-746, 710), uniform(-1, 1)),
        (-1e4, 1e4),
    ),
    "expm1_growth": (
        mp.expm1,
        signed(EXP_BORDERS + TINY + EXP_WORST) + EXP_ENDS,
        (uniform(-40, 40), log_uniform(1e-18, 1, True)),
        (-1e4, 1e4),
    ),
    "expm1_nonpositive": (
        mp.expm1,
        [-abs(x) for x in EXP_BORDERS + TINY + EXP_WORST + EXP_ENDS],
        (uniform(-40, 0), uniform(-1, 0)),
        (-1e4, 0),
    ),
    "log": (
        mp.log,
        LOG_BORDERS + LOG_WORST + TINY + neighbours(1, 20),
        (uniform(0, 3), log_uniform(1e-308, 1e308)),
        (5e-324, math.inf),
    ),
    "log1p": (
        mp.log1p,
        around(LOG1P_BORDERS) + signed(TINY) + neighbours(-1, 10),
        (uniform(-1, 2), log_uniform(1e-18, 1e30)),
        (-1 + 2**-53, 1.7e308),
    ),
    "log1p_unit": (
        mp.log1p,
        TINY + neighbours(1, 9) + neighbours(0.5, 9),
        (uniform(0, 1), log_uniform(1e-18, 1)),
        (0, 1),
    ),
    "log1p_nonnegative": (
        mp.log1p,
        around(map(abs, LOG1P_BORDERS)) + TINY + neighbours(1, 9),
        (uniform(0, 2), log_uniform(1e-18, 1e30)),
        (0, 1.7e308),
    ),
    "log1p_excess": (
        log1p_excess,
        around(map(abs, LOG1P_BORDERS)) + TINY + neighbours(1, 9),
        (uniform(0, 2), log_uniform(1e-18, 1e30)),
        (0, 1.7e308),
    ),
    "tanh": (
        mp.tanh,
        signed([x / 2 for x in EXP_BORDERS] + TINY),
        (uniform(-20, 20), log_uniform(1e-18, 1, True)),
        (-1e3, 1e3),
    ),
    "sigmoid": (sigmoid, signed(EXP_BORDERS + TINY) + EXP_ENDS, (uniform(-746, 40), uniform(-2, 2)), (-1e3, 1e3)),
    "softplus": (softplus, signed(EXP_BORDERS + TINY) + EXP_ENDS, (uniform(-746, 40), uniform(-2, 2)), (-1e3, 1e3)),
    "erf": (
        mp.erf,
        signed(TINY + neighbours(1, 20) + neighbours(5.9215871957945, 9) + [n / 4 for n in range(25)]),
        (uniform(-6.5, 6.5), uniform(-1.5, 1.5), log_uniform(1e-18, 1, True)),
        (-1e3, 1e3),
    ),
    "atan_unit": (
        mp.atan,
        signed(TINY + neighbours(1, 20) + [n / 16 for n in range(16)]),
        (uniform(-1, 1), log_uniform(1e-18, 1, True)),
        (-1, 1),
    ),
    "lgamma1p": (
        lgamma1p,
        TINY + neighbours(1, 9) + neighbours(3, 9) + [float(n) for n in range(60)],
        (uniform(0, 4), log_uniform(1e-3, 1e15)),
        (0, 1e300),
    ),
}


def pow_points(rng, count):
    points = [
        (0.5, 1074.0),
        (0.5, 1073.5),
        (0.5, 1022.5),
        (2.0, 1023.5),
        (1 + 2**-52, 3e18),
        (1 - 2**-53, 6e18),
        (1 - 2**-53, -6e18),
    ]
    while len(points) < count:
        x = rng.choice(
            (rng.random(), math.exp(rng.uniform(-700, 700)), 1 + rng.uniform(-1, 1) * 2.0 ** -rng.randint(1, 50))
        )
        y = rng.choice((rng.uniform(-8, 8), rng.uniform(-745, 709) / math.log(x) if x != 1 else 2.0))
        points.append((x, y))
    return points


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rng = random.Random(1)
    for name, (function, hard, draws, (low, high)) in FUNCTIONS.items():
        points = [x for x in dict.fromkeys(hard) if low <= x <= high]
        while len(points) < count:
            x = rng.choice(draws)(rng)
            if low <= x <= high:
                points.append(x)
        for x in points:
            rounded, rest = split(function(mpf(x)))
            print(f"{name},{x.hex()},0x0p+0,{rounded.hex()},{rest.hex()}")
    for x, y in pow_points(rng, count):
        with mp.workprec(200):
            rounded, rest = split(mpf(x) ** mpf(y))
        print(f"pow,{x.hex()},{y.hex()},{rounded.hex()},{rest.hex()}")


if __name__ == "__main__":
    main()
