#ifndef FL_CONTROL_H
#define FL_CONTROL_H

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* The kernels assume IEEE arithmetic: round to nearest, subnormals kept. The caller's control word may say
 * otherwise (torch.set_flush_denormal, a -ffast-math library); it is set for a share of work and given back. Not for each
 * block: writing it waits for all arithmetic before it. */
typedef unsigned long long fl_control;
static inline fl_control control_enter(void) {
#if defined(__SSE2__)
    const unsigned old = _mm_getcsr();
    enum { IEEE = 0x1f80 }; /* all exceptions masked, nearest, no FTZ, no DAZ */
    if ((old & ~0x3fu) != IEEE)
        _mm_setcsr(IEEE);
    return old;
#elif defined(__aarch64__)
    fl_control old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    if (old)
        __asm__ volatile("msr fpcr, %0" : : "r"((fl_control)0));
    return old;
#else
    return 0;
#endif
}
static inline void control_leave(fl_control old) {
#if defined(__SSE2__)
    _mm_setcsr((unsigned)old); /* the exception flags too: a call leaves no trace */
#elif defined(__aarch64__)
    if (old)
        __asm__ volatile("msr fpcr, %0" : : "r"(old));
#else
    (void)old;
#endif
}

/* What was written past the cache becomes visible before anything after. */
static inline void stream_fence(void) {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#endif
