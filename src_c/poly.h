/* Polynomials, coefficients from the constant on, written out by the preprocessor: multiply-adds, and nothing that a compiler
 * would have to unroll before it can make vectors of the loop around.
 *
 * POLY: pairs of terms in x2 = x x, half the latency of Horner's scheme for one product more. Even and odd powers apart would
 * take as long, but where signs alternate they cancel.
 * HORNER: one chain, without that product; for short ones in loops that have work enough beside it, where the units that
 * multiply are what is scarce. */
#ifndef FL_POLY_H
#define FL_POLY_H

#define POLY(x, x2, ...) POLY_CALL(POLY_, POLY_COUNT(__VA_ARGS__), x, x2, __VA_ARGS__)
#define HORNER(x, ...) POLY_CALL(HORNER_, POLY_COUNT(__VA_ARGS__), x, __VA_ARGS__)

#define POLY_COUNT(...)                                                                     \
    POLY_LAST(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, \
              16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define POLY_LAST(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, \
                  a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, n, ...) n
#define POLY_CALL(scheme, n, ...) POLY_CALL_(scheme, n, __VA_ARGS__)
#define POLY_CALL_(scheme, n, ...) scheme##n(__VA_ARGS__)

#define POLY_1(x, x2, a) a
#define POLY_2(x, x2, a, b) vfma(x, b, a)
#define POLY_3(x, x2, a, b, ...) vfma(x2, POLY_1(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_4(x, x2, a, b, ...) vfma(x2, POLY_2(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_5(x, x2, a, b, ...) vfma(x2, POLY_3(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_6(x, x2, a, b, ...) vfma(x2, POLY_4(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_7(x, x2, a, b, ...) vfma(x2, POLY_5(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_8(x, x2, a, b, ...) vfma(x2, POLY_6(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_9(x, x2, a, b, ...) vfma(x2, POLY_7(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_10(x, x2, a, b, ...) vfma(x2, POLY_8(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_11(x, x2, a, b, ...) vfma(x2, POLY_9(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_12(x, x2, a, b, ...) vfma(x2, POLY_10(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_13(x, x2, a, b, ...) vfma(x2, POLY_11(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_14(x, x2, a, b, ...) vfma(x2, POLY_12(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_15(x, x2, a, b, ...) vfma(x2, POLY_13(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_16(x, x2, a, b, ...) vfma(x2, POLY_14(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_17(x, x2, a, b, ...) vfma(x2, POLY_15(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_18(x, x2, a, b, ...) vfma(x2, POLY_16(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_19(x, x2, a, b, ...) vfma(x2, POLY_17(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_20(x, x2, a, b, ...) vfma(x2, POLY_18(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_21(x, x2, a, b, ...) vfma(x2, POLY_19(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_22(x, x2, a, b, ...) vfma(x2, POLY_20(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_23(x, x2, a, b, ...) vfma(x2, POLY_21(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_24(x, x2, a, b, ...) vfma(x2, POLY_22(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_25(x, x2, a, b, ...) vfma(x2, POLY_23(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_26(x, x2, a, b, ...) vfma(x2, POLY_24(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_27(x, x2, a, b, ...) vfma(x2, POLY_25(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_28(x, x2, a, b, ...) vfma(x2, POLY_26(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_29(x, x2, a, b, ...) vfma(x2, POLY_27(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_30(x, x2, a, b, ...) vfma(x2, POLY_28(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_31(x, x2, a, b, ...) vfma(x2, POLY_29(x, x2, __VA_ARGS__), vfma(x, b, a))
#define POLY_32(x, x2, a, b, ...) vfma(x2, POLY_30(x, x2, __VA_ARGS__), vfma(x, b, a))

#define HORNER_1(x, a) a
#define HORNER_2(x, a, ...) vfma(x, HORNER_1(x, __VA_ARGS__), a)
#define HORNER_3(x, a, ...) vfma(x, HORNER_2(x, __VA_ARGS__), a)
#define HORNER_4(x, a, ...) vfma(x, HORNER_3(x, __VA_ARGS__), a)
#define HORNER_5(x, a, ...) vfma(x, HORNER_4(x, __VA_ARGS__), a)
#define HORNER_6(x, a, ...) vfma(x, HORNER_5(x, __VA_ARGS__), a)
#define HORNER_7(x, a, ...) vfma(x, HORNER_6(x, __VA_ARGS__), a)
#define HORNER_8(x, a, ...) vfma(x, HORNER_7(x, __VA_ARGS__), a)

#endif
