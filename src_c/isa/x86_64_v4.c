/* AVX-512 F, BW, CD, DQ, VL: Skylake-SP, Zen 4 and later. Compiled with -march=x86-64-v4. */
#include "../kernels.h"
EXPORT_ISA(fl_x86_64_v4, "x86-64-v4")
