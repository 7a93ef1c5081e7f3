// libcurl for Swift: curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call.
#pragma once

#include <curl/curl.h>
