/* Everything one instruction set compiles: the sources for float, again for double, and the table of both. */
#include "fastloss.h"
#include <stdbool.h>

#define FL_BITS 32
#include "typed.h"
#undef FL_BITS
#define FL_BITS 64
#include "typed.h"
#include "transport.h"

/* Triad a = b + 3c, past the cache or through it: the memory's limit, which is measured beside the kernels. */
static void triad(double *restrict a, const double *restrict b, const double *restrict c, ptrdiff_t begin, ptrdiff_t end,
                  int stream) {
    double buffer[TILE] ALIGNED;
    if (!stream) {
        for (ptrdiff_t i = begin; i < end; i++)
            a[i] = b[i] + 3 * c[i];
        return;
    }
    for (ptrdiff_t i = begin; i < end; i += TILE) {
        const ptrdiff_t n = end - i < TILE ? end - i : TILE;
        for (ptrdiff_t k = 0; k < n; k++)
            buffer[k] = b[i + k] + 3 * c[i + k];
        stream_copy(a + i, buffer, (size_t)n * sizeof *a);
    }
}

#define LOOPS_OF(name, suffix, majorize, fisher)                                                             \
    {(fl_loop)name##_value_##suffix, (fl_loop)name##_gradient_##suffix, (fl_loop)name##_value_gradient_##suffix, \
     (fl_loop)name##_exact_##suffix, majorize, fisher}
#define SUMMING_OF_1(name, suffix)                                                                           \
    {[FL_VALUE] = (fl_loop)name##_sum_##suffix, [FL_VALUE_GRADIENT] = (fl_loop)name##_sum_gradient_##suffix}
#define SUMMING_OF_2 SUMMING_OF_1
#define SUMMING_OF_4(name, suffix) {0}
#define POINTWISE_ROW(name, cost, STAGE)                                                                     \
    {#name, FL_POINTWISE, 1, cost, 0, 0,                                                                      \
     {LOOPS_OF(name, f32, (fl_loop)name##_majorize_f32, (fl_loop)name##_fisher_f32),                         \
      LOOPS_OF(name, f64, (fl_loop)name##_majorize_f64, (fl_loop)name##_fisher_f64)},                        \
     {SUMMING_OF_##cost(name, f32), SUMMING_OF_##cost(name, f64)}},
/* Over classes, values of one loss with the derivatives of another, from which it differs by a constant: by itself, or a
 * divergence by its cross-entropy. */
#define PRODUCT_OF_0(suffix) (fl_loop)ce_index_logits_product_##suffix
#define PRODUCT_OF_1(suffix) (fl_loop)terms_logits_product_##suffix
#define SOFTMAX_OF(name, DENSE, other, suffix)                                                                      \
    {(fl_loop)name##_value_##suffix, (fl_loop)other##_gradient_##suffix, (fl_loop)name##_value_gradient_##suffix, \
     (fl_loop)other##_exact_##suffix, (fl_loop)other##_majorize_##suffix, (fl_loop)other##_exact_##suffix,   \
     (fl_loop)other##_majorize_##suffix, PRODUCT_OF_##DENSE(suffix)}
#define SOFTMAX_ROW(name, DENSE, other) \
    {#name, FL_CLASSES, 0, 4, DENSE, 1, {SOFTMAX_OF(name, DENSE, other, f32), SOFTMAX_OF(name, DENSE, other, f64)}, {{0}}},
#define GIVEN_OF(name, other, suffix)                                                                        \
    {(fl_loop)name##_value_##suffix, (fl_loop)other##_gradient_##suffix, (fl_loop)name##_value_gradient_##suffix, \
     (fl_loop)other##_exact_##suffix}
#define GIVEN_ROW(name, DENSE, other) \
    {#name, FL_CLASSES, 0, 4, DENSE, 0, {GIVEN_OF(name, other, f32), GIVEN_OF(name, other, f64)}, {{0}}},
#define MARGIN_ROW(name, DENSE)                                                                              \
    {#name, FL_CLASSES, 0, 4, DENSE, 1,                                                                       \
     {LOOPS_OF(name, f32, (fl_loop)name##_majorize_f32, (fl_loop)name##_exact_f32),                          \
      LOOPS_OF(name, f64, (fl_loop)name##_majorize_f64, (fl_loop)name##_exact_f64)},                         \
     {{0}}},
/* Of a function of the label's probability, in the loops of cross-entropy. */
#define PHI_OF(suffix)                                                                                       \
    {(fl_loop)ce_index_logits_value_##suffix, (fl_loop)ce_index_logits_gradient_##suffix,                    \
     (fl_loop)ce_index_logits_value_gradient_##suffix, (fl_loop)ce_index_logits_exact_##suffix,              \
     (fl_loop)ce_index_logits_majorize_##suffix, (fl_loop)ce_index_logits_majorize_##suffix,                 \
     (fl_loop)ce_index_logits_majorize_##suffix, (fl_loop)ce_index_logits_product_##suffix}
#define TERMS_OF(prediction, suffix)                                                                         \
    {(fl_loop)terms_##prediction##_##suffix, (fl_loop)terms_##prediction##_##suffix,                         \
     (fl_loop)terms_##prediction##_##suffix, (fl_loop)terms_##prediction##_##suffix}
#define TERMS_OF_SOFTMAX(suffix)                                                                             \
    {(fl_loop)terms_logits_##suffix, (fl_loop)terms_logits_##suffix, (fl_loop)terms_logits_##suffix,         \
     (fl_loop)terms_logits_exact_##suffix, (fl_loop)terms_logits_majorize_##suffix,                          \
     (fl_loop)terms_logits_fisher_##suffix, (fl_loop)terms_logits_shares_##suffix,                           \
     (fl_loop)terms_logits_product_##suffix}
#define TERMS_ROW(name, DENSE, prediction) \
    {#name, FL_CLASSES, 0, 4, DENSE, 0, {TERMS_OF(prediction, f32), TERMS_OF(prediction, f64)}, {{0}}},
#define TERMS_ROW_OF_SOFTMAX(name, DENSE) \
    {#name, FL_CLASSES, 0, 4, DENSE, 1, {TERMS_OF_SOFTMAX(f32), TERMS_OF_SOFTMAX(f64)}, {{0}}},

#define OUTPUTS_ROW(name)                                                                                    \
    {#name, FL_OUTPUTS, 2, 4, 0, 0,                                                                          \
     {LOOPS_OF(name, f32, 0, (fl_loop)name##_fisher_f32), LOOPS_OF(name, f64, 0, (fl_loop)name##_fisher_f64)}, \
     {{0}}},

static const fl_kernel kernels[] = {
    POINTWISE(POINTWISE_ROW) OUTPUTS(OUTPUTS_ROW)
    SOFTMAX_ROW(ce_index_logits, 0, ce_index_logits) SOFTMAX_ROW(ce_dense_logits, 1, ce_dense_logits)
    SOFTMAX_ROW(kl_logits, 1, ce_dense_logits)
    GIVEN_ROW(ce_index_probabilities, 0, ce_index_probabilities)
    GIVEN_ROW(ce_index_log_probabilities, 0, ce_index_log_probabilities)
    GIVEN_ROW(ce_dense_probabilities, 1, ce_dense_probabilities)
    GIVEN_ROW(kl_probabilities, 1, ce_dense_probabilities) GIVEN_ROW(kl_log_probabilities, 1, kl_log_probabilities)
    MARGINS(MARGIN_ROW)
    {"phi_index_logits", FL_CLASSES, 0, 4, 0, 1, {PHI_OF(f32), PHI_OF(f64)}, {{0}}},
    TERMS_ROW_OF_SOFTMAX(terms_index_logits, 0) TERMS_ROW_OF_SOFTMAX(terms_dense_logits, 1)
    TERMS_ROW(terms_index_probabilities, 0, probabilities) TERMS_ROW(terms_dense_probabilities, 1, probabilities)
    TERMS_ROW(terms_dense_log_probabilities, 1, log_probabilities)
};

#define PAIRS_ROW(name, inputs) \
    {#name, inputs, {(fl_loop)name##_f32, (fl_loop)name##_f64}, {run_pairs_f32, run_pairs_f64}},
static const fl_pairs_kernel pairs_kernels[] = {
    PAIRS(PAIRS_ROW){"ranking", 2, {0}, {run_ranking_f32, run_ranking_f64}},
    {"contrast", 3, {0}, {run_contrast_f32, run_contrast_f64}},
};

/* The one symbol an instruction set's file exports. */
#define EXPORT_ISA(symbol, spelling)                                                                         \
    const fl_isa symbol = {                                                                                  \
        .isa = spelling,                                                                                     \
        .kernels = kernels,                                                                                  \
        .n_kernels = sizeof kernels / sizeof *kernels,                                                       \
        .pairs = pairs_kernels,                                                                              \
        .n_pairs = sizeof pairs_kernels / sizeof *pairs_kernels,                                             \
        .run = {[FL_POINTWISE] = {run_pointwise_f32, run_pointwise_f64},                                     \
                [FL_CLASSES] = {run_classes_f32, run_classes_f64},                                           \
                [FL_OUTPUTS] = {run_outputs_f32, run_outputs_f64}},                                          \
        .overlap_sums = {run_overlap_sums_f32, run_overlap_sums_f64},                                        \
        .overlap_gradient = {run_overlap_gradient_f32, run_overlap_gradient_f64},                            \
        .linear = {run_linear_f32, run_linear_f64},                                                          \
        .gram = {run_gram_f32, run_gram_f64},                                                                \
        .times = {run_times_f32, run_times_f64},                                                             \
        .descent = {run_descent_f32, run_descent_f64},                                                       \
        .deviance = run_deviance_f64,                                                                        \
        .run_checks = run_checks,                                                                            \
        .total_weight = {total_weight_f32, total_weight_f64},                                                \
        .total_row_weight = {total_row_weight_f32, total_row_weight_f64},                                    \
        .first_outside = {first_outside_f32, first_outside_f64},                                             \
        .first_bad_label = first_bad_label,                                                                  \
        .first_bad_row_sum = {first_bad_row_sum_f32, first_bad_row_sum_f64},                                 \
        .sort_samples = sort_samples,                                                                        \
        .transport = transport,                                                                              \
        .triad = triad,                                                                                      \
    };
