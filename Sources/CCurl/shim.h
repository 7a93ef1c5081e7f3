// libcurl for Swift: curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift cannot call.
// One function for each type of argument; the name says which.
#pragma once

#include <curl/curl.h>

static inline CURLcode laurel_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

// Offsets and sizes: curl_off_t is 64 bits everywhere.
static inline CURLcode laurel_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

// libcurl copies the text, but for CURLOPT_POSTFIELDS.
static inline CURLcode laurel_curl_set_text(CURL *handle, CURLoption option, const char *text) {
    return curl_easy_setopt(handle, option, text);
}

// libcurl keeps the pointer: it must stay valid until the handle is cleaned up.
static inline CURLcode laurel_curl_set_pointer(CURL *handle, CURLoption option, void *pointer) {
    return curl_easy_setopt(handle, option, pointer);
}

static inline CURLcode laurel_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *list) {
    return curl_easy_setopt(handle, option, list);
}

// CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
static inline CURLcode laurel_curl_set_callback(CURL *handle, CURLoption option, curl_write_callback callback) {
    return curl_easy_setopt(handle, option, callback);
}

static inline CURLcode laurel_curl_get_long(CURL *handle, CURLINFO field, long *value) {
    return curl_easy_getinfo(handle, field, value);
}

// The CURLINFO_…_T family: counts of bytes, and microseconds.
static inline CURLcode laurel_curl_get_offset(CURL *handle, CURLINFO field, curl_off_t *value) {
    return curl_easy_getinfo(handle, field, value);
}

static inline CURLcode laurel_curl_get_pointer(CURL *handle, CURLINFO field, void **value) {
    return curl_easy_getinfo(handle, field, value);
}

static inline CURLMcode laurel_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The result stands in a union, which Swift reads only through a pointer.
static inline CURLcode laurel_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}
