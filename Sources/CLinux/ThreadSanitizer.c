// Only in builds for ThreadSanitizer: tells it in which order a contended Synchronization.Mutex changes hands.
//
// The slow paths of that lock lie in the standard library, which is not instrumented, and in the kernel (FUTEX_LOCK_PI), so
// ThreadSanitizer would report a race wherever two threads fight over a lock. These functions stand in front of the library's
// (the executable's symbols come first), call them, and add what it could not see. Should their names change, the reports are
// back: nothing is hidden by this.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// Synchronization._MutexHandle._lockSlow(Swift.UInt32) -> ()
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
// Synchronization._MutexHandle._unlockSlow() -> ()
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define SWIFT_CALL __attribute__((swiftcall))
#define SWIFT_SELF __attribute__((swift_context))

typedef SWIFT_CALL void (*LockSlow)(uint32_t thread, SWIFT_SELF void *handle);
typedef SWIFT_CALL void (*UnlockSlow)(SWIFT_SELF void *handle);

SWIFT_CALL void clinux_lock_slow(uint32_t thread, SWIFT_SELF void *handle) __asm__(LOCK_SLOW);
SWIFT_CALL void clinux_unlock_slow(SWIFT_SELF void *handle) __asm__(UNLOCK_SLOW);

SWIFT_CALL void clinux_lock_slow(uint32_t thread, SWIFT_SELF void *handle) {
    ((LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW))(thread, handle);
    __tsan_acquire(handle);
}

SWIFT_CALL void clinux_unlock_slow(SWIFT_SELF void *handle) {
    __tsan_release(handle);
    ((UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW))(handle);
}

#endif
#endif
