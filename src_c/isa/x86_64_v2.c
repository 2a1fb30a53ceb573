/* SSE4.2, no FMA: every 64-bit x86 since 2009. Compiled with -march=x86-64-v2. */
#include "../kernels.h"
EXPORT_ISA(fl_x86_64_v2, "x86-64-v2")
