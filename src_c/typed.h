/* The sources in the order in which they build on each other, for one real type. Adding a family of pointwise
 * losses: its header here and its list in POINTWISE. */
#include "real.h"
#include "vmath.h"
#include "tile.h"
#include "formula.h"
#include "losses/regression.h"
#include "losses/counts.h"
#include "losses/binary.h"
#define POINTWISE(X) REGRESSION(X) COUNTS(X) BINARY(X)
#include "pointwise.h"
#include "losses/classes.h"
#include "classes.h"
