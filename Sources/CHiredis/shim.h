// Of hiredis the reader of RESP, and nothing else: connections are ours.
#pragma once

#include <stddef.h>

#include <hiredis/read.h>
