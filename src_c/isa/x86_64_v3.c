/* AVX2 and FMA: Haswell, Zen and later. Compiled with -march=x86-64-v3. */
#include "../kernels.h"
EXPORT_ISA(fl_x86_64_v3, "x86-64-v3")
