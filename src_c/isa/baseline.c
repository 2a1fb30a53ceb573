/* Whatever the compiler targets by itself; on arm64 that has NEON and FMA. */
#include "../kernels.h"
EXPORT_ISA(fl_baseline, "baseline")
