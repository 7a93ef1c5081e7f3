#define _GNU_SOURCE
#include "CLinux.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread void *clinux_current_loop_storage __attribute__((tls_model("initial-exec"))) = NULL;

int clinux_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// Sanitizers know the C library's functions, and what these read and write.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZES 1
#elif defined(__has_feature)
#define SANITIZES (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZES 0
#endif

ssize_t clinux_receive(int socket, void *buffer, size_t size) {
#if SANITIZES
    return recv(socket, buffer, size, 0);
#else
    return syscall(SYS_recvfrom, socket, buffer, size, 0, NULL, NULL);
#endif
}

ssize_t clinux_send(int socket, const void *bytes, size_t size) {
#if SANITIZES
    return send(socket, bytes, size, MSG_NOSIGNAL);
#else
    return syscall(SYS_sendto, socket, bytes, size, MSG_NOSIGNAL, NULL, 0);
#endif
}

int clinux_is_peer_gone(int socket) {
    struct pollfd asked = {.fd = socket, .events = POLLRDHUP, .revents = 0};
    int answer = poll(&asked, 1, 0);
    if (answer < 0) return -1;
    return (asked.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void clinux_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}
