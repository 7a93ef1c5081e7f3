#include "CProbe.h"

#include <errno.h>
#include <stddef.h>

// initial-exec: any other access to a thread's variable may allocate, and would call what calls it.
static _Thread_local uint64_t allocations __attribute__((tls_model("initial-exec")));

uint64_t probe_allocations(void) { return allocations; }

__attribute__((noinline)) void probe_measured(void (*work)(void *context), void *context) {
    work(context);
    // No jump instead of the call: Callgrind has to see this function return.
    __asm__ volatile("" ::: "memory");
}

void probe_keep(const void *value) {
    // No instruction, but one that might read and write any memory.
    __asm__ volatile("" : : "r"(value) : "memory");
}

// Here the allocator begins. The executable's symbols come before those of the C library, so the Swift run time calls
// these; what they return is the C library's own, so its `free` takes it back. A sanitizer brings its own allocator.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define PROBE_LEAVES_ALLOCATOR
#endif
#endif

#ifndef PROBE_LEAVES_ALLOCATOR

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
    allocations++;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    allocations++;
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
    allocations++;
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    allocations++;
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    // posix_memalign(3): a power of two, and a multiple of the size of a pointer.
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    allocations++;
    void *found = __libc_memalign(alignment, bytes);
    if (found == NULL) return ENOMEM;
    *memory = found;
    return 0;
}

#endif
