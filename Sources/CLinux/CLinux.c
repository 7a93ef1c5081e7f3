#define _GNU_SOURCE
#include "CLinux.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>

__thread void *clinux_current_loop_storage __attribute__((tls_model("initial-exec"))) = NULL;

int clinux_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
