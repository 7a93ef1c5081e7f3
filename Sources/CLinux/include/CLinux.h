// What the Glibc module map leaves out, or hides behind _GNU_SOURCE: epoll, eventfd, accept4, mallopt, thread names; and the one
// thread-local variable that the loops need.
#pragma once

#include <malloc.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

// accept4(2) without the peer's address; the descriptor is non-blocking and closes on exec.
int clinux_accept(int listener);

// recv(2), and send(2) without SIGPIPE. Those of the C library are points at which a thread can be cancelled, which nobody here
// does, and pay for it with four atomic operations a call.
ssize_t clinux_receive(int socket, void *buffer, size_t size);
ssize_t clinux_send(int socket, const void *bytes, size_t size);

// poll(2) of one descriptor, without waiting: 1 if the peer has closed its sending side, reset the connection, or the
// socket has failed (POLLRDHUP, POLLHUP, POLLERR); 0 if not; -1 and errno on failure. Bytes that wait to be read before a FIN
// do not hide it.
int clinux_is_peer_gone(int socket);

// Names the calling thread, as `top -H` and debuggers show it. At most 15 bytes.
void clinux_name_thread(const char *name);

// The event loop whose thread this is, or NULL. Asked at each enqueue: initial-exec, as it is linked into the executable.
extern __thread void *clinux_current_loop_storage __attribute__((tls_model("initial-exec")));

static inline void *clinux_current_loop(void) { return clinux_current_loop_storage; }
static inline void clinux_set_current_loop(void *loop) { clinux_current_loop_storage = loop; }
