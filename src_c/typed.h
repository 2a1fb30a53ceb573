/* The sources in the order in which they build on each other, for one real type. Adding a family of pointwise
 * losses: its header and its list here, by whether its targets have a domain to look at. */
#include "real.h"
#include "vmath.h"
#include "tile.h"
#include "formula.h"
#include "losses/logistic.h"
#include "losses/regression.h"
#include "losses/relative.h"
#include "losses/robust.h"
#include "losses/counts.h"
#include "losses/binary.h"
#include "losses/gaussian.h"
#define ANY_TARGET(X) REGRESSION(X) RELATIVE(X) ROBUST(X)
#define TARGET_IN_DOMAIN(X) COUNTS(X) BINARY(X)
#define POINTWISE(X) ANY_TARGET(X) TARGET_IN_DOMAIN(X)
#include "weights.h"
#include "pointwise.h"
#include "outputs.h"
#include "losses/classes.h"
#include "losses/terms.h"
#include "losses/margins.h"
#include "transpose.h"
#include "classes.h"
#if FL_BITS == 64
#include "deviance.h"
#endif
#include "pairs.h"
#include "overlap.h"
#include "linear.h"
#include "stochastic.h"
