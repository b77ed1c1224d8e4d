/* What JavaScript gives to a function of addon.c, and gets back. */
#ifndef OCIBAKE_ARGUMENTS_H
#define OCIBAKE_ARGUMENTS_H

#define NAPI_VERSION 8
#include <node_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size;
};

struct words {
    uint32_t *data;
    size_t count;
};

static inline napi_value refuse(napi_env env, const char *why)
{
    napi_throw_range_error(env, NULL, why);
    return NULL;
}

static inline bool to_bytes(napi_env env, napi_value value, struct bytes *bytes)
{
    /* Stays when it is of a kind that Node-API does not know. */
    napi_typedarray_type type = napi_int8_array;
    void *data;
    if (napi_get_typedarray_info(env, value, &type, &bytes->size, &data, NULL, NULL) != napi_ok)
        return false;
    bytes->data = data;
    return type == napi_uint8_array;
}

static inline bool to_words(napi_env env, napi_value value, struct words *words)
{
    /* Stays when it is of a kind that Node-API does not know. */
    napi_typedarray_type type = napi_int8_array;
    void *data;
    if (napi_get_typedarray_info(env, value, &type, &words->count, &data, NULL, NULL) != napi_ok)
        return false;
    words->data = data;
    return type == napi_uint32_array;
}

/* A whole number below 2^53. */
static inline bool to_size(napi_env env, napi_value value, size_t *size)
{
    int64_t number;
    if (napi_get_value_int64(env, value, &number) != napi_ok || number < 0)
        return false;
    *size = (size_t)number;
    return true;
}

static inline napi_value from_size(napi_env env, size_t size)
{
    napi_value value;
    return napi_create_int64(env, (int64_t)size, &value) == napi_ok ? value : NULL;
}

#endif
