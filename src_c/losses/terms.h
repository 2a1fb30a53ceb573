/* Losses over classes that are a sum of terms: v = sum_k f(t_k, p_k), t_k the target and p_k the probability of a class.
 *
 * A term is f and derivatives of it; what the prediction is of p does the rest. With a = p f' and b = p a':
 *   probabilities      gradient f', Hessian diagonal f''
 *   log-probabilities  a,  b
 *   raw scores         (1 - p) a - p A,  (1 - p) ((1 - p) b - p a) - p ((1 - p) A - p B)
 * with A and B the sums of a and b over the other classes. What (1 - p) multiplies first is the class's `own`. The Hessian of
 * raw scores times a vector u, with m = sum_k p_k u_k, is
 *   (u_k - m) (b_k - p_k sum_j a_j) - p_k sum_j b_j (u_j - m).
 *
 * A class of p > 1/2 leads: its 1 - p is the others' share, and with it p - t and the gradient of a confident row keep
 * their digits. Terms are functions of their own, called for a few hundred numbers; the loops have them in common.
 */
enum { FN(TERMS) = FN(CHUNK) * LANES };
typedef struct {
    real t[FN(TERMS)] ALIGNED; /* the target, smoothed and weighted, */
    real c[FN(TERMS)] ALIGNED; /* 1 - p, */
    real d[FN(TERMS)] ALIGNED; /* p - t, and */
    real l[FN(TERMS)] ALIGNED; /* -log p, each with its own digits */
    real f[FN(TERMS)] ALIGNED; /* The term; */
    real v[FN(TERMS)] ALIGNED; /* of a divergence f' up to a constant of which softmax sees nothing, */
    real w[FN(TERMS)] ALIGNED; /* and p f''; */
    /* what is kept of the chunk: */
    real *p;   /* the probability, */
    real *a;   /* p f', of raw scores up to that constant, */
    real *b;   /* p a', */
    real *own; /* and (1 - p) b - p a. Of probabilities: a is f' and b is f'' */
} FN(terms);

/* Raw scores need their terms twice: for sums, and for derivatives, when the sums are known. Those of as many numbers as a
 * group has room for are kept until then; a longer row computes them again. */
typedef struct {
    real p[FN(ROOM)] ALIGNED, a[FN(ROOM)] ALIGNED, b[FN(ROOM)] ALIGNED, own[FN(ROOM)] ALIGNED;
} FN(kept_terms);

/* t phi(p): the losses of classes.h, of targets that are rows. What a target of 0 multiplies counts for nothing. */
#define EACH_TERM SIMD for (ptrdiff_t k = 0; k < n; k++)
#define PHI_TERMS(expression)                                                           \
    EACH_TERM {                                                                         \
        const FN(phi) r = expression;                                                   \
        const real share = t[k], q = share * alpha, turn = q * r.turn, bend = turn / p[k]; \
        const real slope = given ? r.slope : r.a;                                       \
        f[k] = unless(share == 0, q * r.v, p[k]);                                       \
        a[k] = unless(share == 0, -q * slope, p[k]);                                    \
        b[k] = unless((share == 0) | (given & (turn == 0)), given ? bend : -q * r.b, p[k]); \
        own[k] = unless(share == 0, q * r.t, p[k]);                                     \
    }

typedef struct {
    real f, v, w;
} FN(divergence);
#define DIVERGENCE_TERMS(expression)          \
    EACH_TERM {                               \
        const FN(divergence) r = expression;  \
        f[k] = r.f;                           \
        v[k] = r.v;                           \
        w[k] = r.w;                           \
    }

/* p log(p/t). A class that neither row has adds nothing. */
INLINE FN(divergence) FN(reverse_kl)(real t, real p, real d) {
    const real ratio = vlog_ratio(p, t, d), product = p * ratio;
    const bool none = p + t == 0;
    return (FN(divergence)){.f = p == 0 ? 0 : product, .v = none ? 0 : ratio, .w = none ? C(0.0) : C(1.0)};
}

/* t/2 log(t/m) + p/2 log(p/m), m = (t + p)/2. With s = t + p and r = (p - t)/s it is s/4 phi(r): both logarithms are of
 * 1 +- r, and near r = 0, where the two terms cancel to the square of r, phi is a polynomial. The lesser of t and p is a
 * share q/2 of s, which keeps its digits where 1 - |r| does not. */
INLINE FN(divergence) FN(jensen_shannon)(real t, real p, real d) {
    const real s = p + t, r = d / s, size = vabs(r);
    const bool below = d < 0, near = size <= C(0.5);
    const real lesser = below ? p : t, greater = below ? t : p, q = lesser / (C(0.5) * s);
    const real log_lesser = vlog_about_1(near ? 1 - size : q, -size), log_greater = vlog1p_unit(at_most(C(1.0), size));
    const real close = C(0.25) * s * vlog1p_both_near(r);
    const real terms = C(0.5) * vfma(lesser, lesser == 0 ? 0 : log_lesser, greater * log_greater);
    return (FN(divergence)){
        .f = s == 0 ? 0 : near ? close : terms,
        .v = t == 0 ? nan_or(p, C(0x1.62e42fefa39efp-2)) : C(0.5) * (below ? log_lesser : log_greater),
        .w = t == 0 ? nan_or(p, 0) : C(0.25) * (below ? 2 - q : q),
    };
}

/* |p - t| / 2, with the slope 0 where they are equal */
INLINE FN(divergence) FN(total_variation)(real d) {
    return (FN(divergence)){.f = C(0.5) * vabs(d), .v = C(0.5) * sign(d), .w = nan_or(d, 0)};
}

/* (p - t)^2 */
INLINE FN(divergence) FN(brier)(real p, real d) { return (FN(divergence)){.f = d * d, .v = 2 * d, .w = 2 * p}; }

/* What the chain rule makes of f' and p f''; b and own only if they are wanted. */
static ONCE void FN(chain_terms)(const FN(classes_options) * o, char prediction, bool bends, FN(terms) * x, ptrdiff_t n) {
    const real *restrict t = x->t, *restrict p = x->p, *restrict c = x->c, *restrict w = x->w;
    real *restrict v = x->v, *restrict a = x->a, *restrict b = x->b, *restrict own = x->own;
    if (prediction == 'z' && bends)
        EACH_TERM {
            const real share = p[k], turn = c[k] - share, turned = turn * v[k];
            const real of_softmax = share * vfma(c[k], w[k], turn == 0 ? 0 : turned);
            own[k] = share == 0 ? 0 : of_softmax;
        }
    if (prediction != 'z' && o->phi == FL_REVERSE_KL)
        EACH_TERM v[k] += p[k] + t[k] == 0 ? C(0.0) : C(1.0);
    if (prediction == 'p') {
        EACH_TERM a[k] = v[k];
        if (bends)
            EACH_TERM {
                const real quotient = w[k] / p[k];
                b[k] = w[k] == 0 ? nan_or(p[k], 0) : quotient;
            }
        return;
    }
    EACH_TERM {
        const real product = p[k] * v[k];
        a[k] = p[k] == 0 ? 0 : product;
    }
    if (bends)
        EACH_TERM {
            const real bent = p[k] * (v[k] + w[k]);
            b[k] = p[k] == 0 ? 0 : bent;
        }
}

/* n terms, a multiple of LANES. */
static ONCE void FN(compute_terms)(const FN(classes_options) * o, char prediction, bool bends, FN(terms) * x, ptrdiff_t n) {
    const real *restrict t = x->t, *restrict p = x->p, *restrict c = x->c, *restrict d = x->d, *restrict l = x->l;
    real *restrict f = x->f, *restrict v = x->v, *restrict w = x->w;
    real *restrict a = x->a, *restrict b = x->b, *restrict own = x->own;
    const real alpha = o->alpha, shape = o->shape, shape_low = o->shape_low, end = o->end;
    const bool given = prediction == 'p';
    switch (o->phi) {
    case FL_LOGARITHM:
        PHI_TERMS(FN(phi_of)(p[k], l[k], 1, 0, p[k]));
        return;
    case FL_FOCAL:
        PHI_TERMS(FN(focal)(p[k], c[k], l[k], shape, end, 0));
        return;
    case FL_GENERALIZED:
        PHI_TERMS(FN(generalized)(p[k], c[k], l[k], shape, shape_low));
        return;
    case FL_POLY1:
        PHI_TERMS(FN(poly1)(p[k], c[k], l[k], shape));
        return;
    case FL_REVERSE_KL:
        DIVERGENCE_TERMS(FN(reverse_kl)(t[k], p[k], d[k]));
        break;
    case FL_JENSEN_SHANNON:
        DIVERGENCE_TERMS(FN(jensen_shannon)(t[k], p[k], d[k]));
        break;
    case FL_TOTAL_VARIATION:
        DIVERGENCE_TERMS(FN(total_variation)(d[k]));
        break;
    default:
        DIVERGENCE_TERMS(FN(brier)(p[k], d[k]));
    }
    FN(chain_terms)(o, prediction, bends, x, n);
}

/* The numbers of LANES rows, or of one for every lane. The layout is known at run time only: what the loops below save by
 * literals is little beside the terms. */
typedef struct {
    const FN(classes_options) * o;
    char prediction; /* 'z' logits, 'p' probabilities, 'l' log-probabilities */
    bool across;
    bool bends; /* whether b and own are wanted */
    bool keeps; /* whether there is room for all terms of a row, or of LANES short ones, */
    FN(kept_terms) * kept;
    ptrdiff_t first; /* and where they begin */
    bits_t label[LANES] ALIGNED;
    real top[LANES] ALIGNED, inverse[LANES] ALIGNED, rest_share[LANES] ALIGNED, log_sum[LANES] ALIGNED;
    real pull[LANES] ALIGNED, scale[LANES] ALIGNED;
} FN(terms_rows);

INLINE void FN(lanes_of)(real *restrict to, const real *from, bool across) {
    if (across)
        EACH_LANE to[l] = from[0];
    else
        memcpy(to, from, LANES * sizeof *to);
}

static ONCE void FN(load_terms_rows)(FN(terms_rows) * r, const FN(classes_rows) * rows,
                                                                   ptrdiff_t row) {
    for (ptrdiff_t l = 0; l < LANES; l++)
        r->label[l] = rows->label[r->across ? row : row + l];
    FN(lanes_of)(r->top, rows->top + row, r->across);
    FN(lanes_of)(r->inverse, rows->inverse + row, r->across);
    FN(lanes_of)(r->rest_share, rows->rest_share + row, r->across);
    FN(lanes_of)(r->log_sum, rows->log_sum + row, r->across);
    FN(lanes_of)(r->pull, rows->pull + row, r->across);
    FN(lanes_of)(r->scale, rows->scale + row, r->across);
}

/* The groups of a chunk: k is the first number of one in the chunk, `at` in the segment. */
#define EACH_GROUP(k, at, j0, j1) for (ptrdiff_t k = 0, at = j0 * LANES; k < (j1 - j0) * LANES; k += LANES, at += LANES)

/* The terms of a chunk, kept from `place` on. Of short rows of scores there are exponentials in the probabilities' place. */
static ONCE void FN(terms_at)(const FN(terms_rows) * r, const FN(segment) * s, ptrdiff_t j0, ptrdiff_t j1, ptrdiff_t place,
                              FN(terms) *restrict x) {
    const real on = r->o->on, off = r->o->off, classes = (real)r->o->classes;
    const char prediction = r->prediction;
    x->p = r->kept->p + place, x->a = r->kept->a + place, x->b = r->kept->b + place, x->own = r->kept->own + place;
    EACH_GROUP(k, at, j0, j1) {
        real weight[LANES] ALIGNED, *restrict t = x->t + k, *restrict p = x->p + k, *restrict c = x->c + k;
        real *restrict d = x->d + k, *restrict minus_log = x->l + k;
        const real *z = s->z + at, *given = s->t ? s->t + at : 0;
        const bits_t *label = r->label, first = r->across ? (bits_t)(s->first + at) : (bits_t)(j0 + k / LANES);
        FN(lanes_of)(weight, GROUP_WEIGHT(s, j0 + k / LANES), !r->across);
        if (given)
            EACH_LANE t[l] = weight[l] * vfma(on, given[l], off);
        else {
            const bits_t step = r->across;
            EACH_LANE t[l] = weight[l] * (first + step * (bits_t)l == label[l] ? on + off : off);
        }
        if (prediction == 'z' && r->across)
            EACH_LANE p[l] = vexp_lifted(distance(z[l], r->top[l]));
        if (prediction == 'z')
            EACH_LANE {
                const real share = vlowered(p[l]) * r->inverse[l];
                const bool leads = share > C(0.5);
                p[l] = share;
                c[l] = leads ? r->rest_share[l] : 1 - share;
                minus_log[l] = r->log_sum[l] - distance(z[l], r->top[l]);
            }
        else if (prediction == 'l')
            EACH_LANE {
                p[l] = vexp(z[l]);
                c[l] = -vexpm1(z[l]);
                minus_log[l] = -z[l];
            }
        else
            EACH_LANE {
                const real share = z[l] + 0; /* -0 is 0 */
                p[l] = share;
                c[l] = 1 - share;
                minus_log[l] = -vlog(share);
            }
        if (r->across && s->groups == 1) /* padding beside scores that are all -inf, or 1, has no probability */
            EACH_LANE p[l] = (real)first + (real)l < classes ? p[l] : 0;
        EACH_LANE {
            const real target = t[l], of_lead = (1 - target) - c[l], plain = p[l] - target;
            d[l] = (prediction != 'p') & (p[l] > C(0.5)) ? of_lead : plain;
        }
    }
    FN(compute_terms)(r->o, prediction, r->bends, x, (j1 - j0) * LANES);
}

/* The terms of a chunk once more: p, c, a and, if they are wanted, b and own. */
static void FN(terms_again)(const FN(terms_rows) * r, const FN(segment) * s, ptrdiff_t j0, ptrdiff_t j1, ptrdiff_t place,
                            FN(terms) *restrict x) {
    if (!r->keeps) {
        FN(terms_at)(r, s, j0, j1, place, x);
        return;
    }
    x->p = r->kept->p + place, x->a = r->kept->a + place, x->b = r->kept->b + place, x->own = r->kept->own + place;
    for (ptrdiff_t k = 0; k < (j1 - j0) * LANES; k += LANES) {
        const real *p = x->p + k;
        real *restrict c = x->c + k;
        EACH_LANE {
            const real share = p[l];
            c[l] = share > C(0.5) ? r->rest_share[l] : 1 - share;
        }
    }
}
#define NEXT_PLACE(place, j0, j1) ((place) + (r->keeps ? ((j1) - (j0)) * LANES : 0))

/* Sums over the classes: those of the leading class apart. Of a row across the lanes, every lane has the sum. */
typedef struct {
    double f[LANES] ALIGNED, a[LANES] ALIGNED, b[LANES] ALIGNED, lead_a[LANES] ALIGNED, lead_b[LANES] ALIGNED;
} FN(terms_sums);

/* One pass over the classes: the sums, and the derivatives in what is given. */
static ONCE void FN(sum_terms)(const FN(terms_rows) * r, const FN(segment) * segments,
                                                             int n_segments, FN(terms_sums) *restrict sums) {
    const real floor = r->o->floor, *scale = r->scale;
    const bool softmax = r->prediction == 'z', bends = r->bends;
    ptrdiff_t place = r->first;
    FN(terms) x;
    memset(sums, 0, sizeof *sums);
    EACH_SEGMENT(s) EACH_CHUNK(s, FN(CHUNK), j0, j1) {
        real f[LANES] ALIGNED = {0}, a[LANES] ALIGNED = {0}, b[LANES] ALIGNED = {0};
        real lead_a[LANES] ALIGNED = {0}, lead_b[LANES] ALIGNED = {0};
        FN(terms_at)(r, s, j0, j1, place, &x);
        place = NEXT_PLACE(place, j0, j1);
        EACH_GROUP(k, at, j0, j1) {
            const real *fs = x.f + k, *as = x.a + k, *bs = x.b + k, *ps = x.p + k;
            EACH_LANE f[l] += fs[l];
            if (softmax) {
                EACH_LANE {
                    const real slope = as[l];
                    a[l] += ps[l] > C(0.5) ? 0 : slope;
                    lead_a[l] += ps[l] > C(0.5) ? slope : 0;
                }
                if (bends)
                    EACH_LANE {
                        const real bend = bs[l];
                        b[l] += ps[l] > C(0.5) ? 0 : bend;
                        lead_b[l] += ps[l] > C(0.5) ? bend : 0;
                    }
            } else if (s->g) {
                real *restrict g = s->g + at, *restrict h = s->h + at;
                if (s->h)
                    EACH_LANE h[l] = scale[l] * at_least(floor, bs[l]);
                EACH_LANE g[l] = scale[l] * as[l];
            }
        }
        EACH_LANE {
            sums->f[l] += (double)f[l];
            sums->a[l] += (double)a[l];
            sums->b[l] += (double)b[l];
            sums->lead_a[l] += (double)lead_a[l];
            sums->lead_b[l] += (double)lead_b[l];
        }
    }
    FN(whole)(sums->f, r->across);
    FN(whole)(sums->a, r->across);
    FN(whole)(sums->b, r->across);
    FN(whole)(sums->lead_a, r->across);
    FN(whole)(sums->lead_b, r->across);
}

/* Logits: gradient, and what `hessian` says. A class that the target rules out and the prediction does not may have an
 * infinite slope: then it is as if that were a large number. */
static ONCE void FN(terms_of_softmax)(const FN(terms_rows) * r, const FN(segment) * segments,
                                                                    int n_segments, const FN(terms_sums) * sums,
                                                                    char hessian) {
    const real floor = r->o->floor, z_loss = r->o->z_loss, *scale = r->scale, *pull = r->pull;
    FN(terms) x;
    ptrdiff_t place = r->first;
    real rest_a[LANES] ALIGNED, all_a[LANES] ALIGNED, rest_b[LANES] ALIGNED, all_b[LANES] ALIGNED;
    EACH_LANE {
        rest_a[l] = (real)sums->a[l];
        all_a[l] = (real)(sums->a[l] + sums->lead_a[l]);
        rest_b[l] = (real)sums->b[l];
        all_b[l] = (real)(sums->b[l] + sums->lead_b[l]);
    }
    EACH_SEGMENT(s) EACH_CHUNK(s, FN(CHUNK), j0, j1) {
        FN(terms_again)(r, s, j0, j1, place, &x);
        place = NEXT_PLACE(place, j0, j1);
        EACH_GROUP(k, at, j0, j1) {
            const real *ps = x.p + k, *cs = x.c + k, *as = x.a + k, *bs = x.b + k, *own = x.own + k;
            real *restrict g = s->g + at, *restrict h = s->h + at;
            if (hessian == 'h')
                EACH_LANE {
                    const real p = ps[l], c = cs[l], a = as[l], turn = c - p;
                    const bool leads = p > C(0.5), alone = a == 1 / C(0.0);
                    const real other_a = all_a[l] - a, other_b = all_b[l] - bs[l];
                    const real A = alone ? 0 : leads ? rest_a[l] : other_a, B = alone ? 0 : leads ? rest_b[l] : other_b;
                    const real finite = p * vfma(c, A, -p * B), infinite = turn == 0 ? 0 : turn * A;
                    const real of_others = p == 0 ? 0 : A == 1 / C(0.0) ? infinite : finite;
                    const real of_terms = vfma(c, own[l], -of_others);
                    h[l] = scale[l] * at_least(floor, vfma(p, vfma(pull[l], c, 2 * z_loss * p), of_terms));
                }
            else if (hessian == 'p')
                EACH_LANE h[l] = ps[l];
            else if (hessian) /* the softmax's own curvature, or its bound */
                EACH_LANE {
                    const real information = ps[l] * cs[l];
                    h[l] = scale[l] * (-all_a[l] * (hessian == 'm' ? C(0.5) : information));
                }
            EACH_LANE {
                const real p = ps[l], a = as[l];
                const real of_lead = vfma(cs[l], a, -p * rest_a[l]), of_other = vfma(-p, all_a[l], a);
                const real finite = p > C(0.5) ? of_lead : of_other;
                g[l] = scale[l] * vfma(pull[l], p, (p == 0) | (a == 1 / C(0.0)) ? a : finite);
            }
        }
    }
}

/* Logits: the Hessian times a vector. */
static ONCE void FN(terms_times)(const FN(terms_rows) * r, const FN(segment) * segments,
                                                               int n_segments) {
    const real z_loss = r->o->z_loss, *scale = r->scale, *pull = r->pull;
    ptrdiff_t place = r->first;
    FN(terms) x;
    double mean[LANES] ALIGNED = {0}, slope[LANES] ALIGNED = {0}, bend[LANES] ALIGNED = {0}, bent[LANES] ALIGNED = {0};
    real m[LANES] ALIGNED, all_a[LANES] ALIGNED, turned[LANES] ALIGNED;
    EACH_SEGMENT(s) EACH_CHUNK(s, FN(CHUNK), j0, j1) {
        real of_u[LANES] ALIGNED = {0}, of_a[LANES] ALIGNED = {0}, of_b[LANES] ALIGNED = {0}, of_bu[LANES] ALIGNED = {0};
        FN(terms_at)(r, s, j0, j1, place, &x);
        place = NEXT_PLACE(place, j0, j1);
        EACH_GROUP(k, at, j0, j1) {
            const real *u = s->u + at, *ps = x.p + k, *as = x.a + k, *bs = x.b + k;
            EACH_LANE {
                const real b = bs[l];
                of_u[l] = vfma(ps[l], u[l], of_u[l]);
                of_a[l] += as[l];
                of_b[l] += b;
                of_bu[l] = vfma(b, u[l], of_bu[l]);
            }
        }
        EACH_LANE {
            mean[l] += (double)of_u[l];
            slope[l] += (double)of_a[l];
            bend[l] += (double)of_b[l];
            bent[l] += (double)of_bu[l];
        }
    }
    FN(whole)(mean, r->across);
    FN(whole)(slope, r->across);
    FN(whole)(bend, r->across);
    FN(whole)(bent, r->across);
    EACH_LANE {
        m[l] = (real)mean[l];
        all_a[l] = (real)slope[l];
        turned[l] = (real)(bent[l] - mean[l] * bend[l]);
    }
    place = r->first;
    EACH_SEGMENT(s) EACH_CHUNK(s, FN(CHUNK), j0, j1) {
        FN(terms_again)(r, s, j0, j1, place, &x);
        place = NEXT_PLACE(place, j0, j1);
        EACH_GROUP(k, at, j0, j1) {
            const real *u = s->u + at, *ps = x.p + k, *bs = x.b + k;
            real *restrict g = s->g + at;
            EACH_LANE {
                const real p = ps[l], off = u[l] - m[l];
                const real of_terms = vfma(off, vfma(-p, all_a[l], bs[l]), -p * turned[l]);
                g[l] = scale[l] * vfma(p, vfma(pull[l], off, 2 * z_loss * m[l]), of_terms);
            }
        }
    }
}

/* All rows of a group. `hessian`: 0, 'h' exact, 'm' majorizer, 'f' Fisher information; 'p' probabilities in its place, 'u' the
 * product with a vector in the gradient's. */
static ONCE void FN(sum_of_terms)(const FN(classes_options) * o, const FN(segment) * segments,
                                                                int n_segments, FN(classes_rows) * rows, ptrdiff_t n,
                                                                int across, char prediction, char hessian) {
    const ptrdiff_t step = across ? 1 : LANES;
    const bool bends = hessian == 'h' || hessian == 'u' || (prediction != 'z' && segments->h);
    ptrdiff_t numbers = 0; /* of a row, or of LANES short ones */
    EACH_SEGMENT(s) numbers += s->groups * LANES;
    FN(kept_terms) kept;
    FN(terms_rows) r = {.o = o, .prediction = prediction, .across = across, .bends = bends, .kept = &kept};
    FN(terms_sums) sums;
    r.keeps = prediction == 'z' && numbers <= FN(ROOM);
    rows->label_apart = 0;
    if (prediction == 'z') {
        if (across)
            FN(classes_first)((FN(classes_spec)){0, 0, 'z', 1, 0, 0, 1, 1}, o, segments, n_segments, rows, n);
        else { /* leaving the exponentials where the probabilities will be */
            FN(segment) lifted[FN(GROUP) / LANES];
            for (ptrdiff_t i = 0; i * LANES < n; i++) {
                lifted[i] = segments[i];
                lifted[i].g = kept.p + i * numbers;
            }
            FN(classes_first)((FN(classes_spec)){0, 0, 'z', 0, 1, 0, 1, 0}, o, lifted, 1, rows, n);
        }
        for (ptrdiff_t i = 0; i < n; i += LANES)
            FN(softmax_rows)(o, rows, i, o->z_loss, 1);
    }
    for (ptrdiff_t row = 0; row < n; row += step, segments += n_segments) {
        FN(load_terms_rows)(&r, rows, row);
        r.first = across || prediction != 'z' ? 0 : row / LANES * numbers;
        if (hessian == 'u') {
            FN(terms_times)(&r, segments, n_segments);
            continue;
        }
        FN(sum_terms)(&r, segments, n_segments, &sums);
        for (ptrdiff_t l = 0; l < step; l++) {
            const real lse = r.top[l] + r.log_sum[l], penalty = o->z_loss * lse * lse;
            rows->value[row + l] = (real)sums.f[l] + (o->z_loss == 0 ? 0 : penalty);
        }
        if (prediction == 'z' && segments->g)
            FN(terms_of_softmax)(&r, segments, n_segments, &sums, hessian);
    }
}
