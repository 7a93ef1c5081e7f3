// What the Glibc module map leaves out: epoll, eventfd, accept4.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
