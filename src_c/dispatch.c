/* Which instruction sets this binary holds and this CPU runs. Compiled without SIMD flags: it runs anywhere. */
#include "fastloss.h"
#include <stdio.h>
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

/* setup.py defines FL_X86_64_V2 to V4 for what it builds: all three, unless a developer asked for fewer. */
#ifdef FL_X86_64
extern const fl_isa fl_x86_64_v2, fl_x86_64_v3, fl_x86_64_v4;
#else
extern const fl_isa fl_baseline;
#endif

const fl_isa *const *fl_available(void) {
    static const fl_isa *found[4];
    int n = 0;
#ifdef FL_X86_64
    __builtin_cpu_init();
    const int v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const int v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const int v4 __attribute__((unused)) = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl");
#ifdef FL_X86_64_V4
    if (v4)
        found[n++] = &fl_x86_64_v4;
#endif
#ifdef FL_X86_64_V3
    if (v3)
        found[n++] = &fl_x86_64_v3;
#endif
#ifdef FL_X86_64_V2
    if (v2)
        found[n++] = &fl_x86_64_v2;
#endif
#else
    found[n++] = &fl_baseline;
#endif
    found[n] = 0;
    return found;
}

const char *fl_built(void) {
    return ""
#ifdef FL_X86_64_V2
           "x86-64-v2 "
#endif
#ifdef FL_X86_64_V3
           "x86-64-v3 "
#endif
#ifdef FL_X86_64_V4
           "x86-64-v4 "
#endif
#ifndef FL_X86_64
           "baseline"
#endif
        ;
}

/* A virtual machine may see the whole chip's cache in one source and its own share in another: the smaller counts. */
size_t fl_cache_bytes(void) {
    long bytes = 0, kib = 0;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (bytes <= 0)
        bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
    if (file) {
        if (fscanf(file, "%ldK", &kib) == 1 && kib > 0 && (bytes <= 0 || kib * 1024 < bytes))
            bytes = kib * 1024;
        fclose(file);
    }
    return bytes > 0 ? (size_t)bytes : (size_t)32 << 20;
}
