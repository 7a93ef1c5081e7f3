// What measuring needs and Swift cannot give: an allocator that counts, a function that Valgrind finds by its name, and
// a use of a value that no optimizer sees through. Linked into the micro-benchmarks only.
#pragma once

#include <stdint.h>

// How often the calling thread has asked for memory by malloc, calloc, realloc, posix_memalign and aligned_alloc.
uint64_t probe_allocations(void);

// Calls `work(context)`. Callgrind collects only while this function runs, and writes down what it has when it returns.
void probe_measured(void (*work)(void *context), void *context);

// Uses what lies at `value`, as far as the compiler can tell: it was needed, and it may be another afterwards.
void probe_keep(const void *value);
