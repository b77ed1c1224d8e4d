/*
 * A state is bytes of JavaScript's, anywhere in memory, with anything in them. It is worked on in a copy: another thread that
 * shares its memory cannot change what was looked at.
 */
#include "codec.h"

/* One for all processors. */
#ifndef CODEC_V3
#include "lend-sha256.h"

#include <string.h>

#define DIGEST 32

/* Whether the function that was called is here, and got `count` arguments, which are in `values` then. */
static bool called(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
    size_t given = count;
    void *is_here;
    return napi_get_cb_info(env, info, &given, values, NULL, &is_here) == napi_ok && given == count && is_here;
}

static bool to_state(napi_env env, napi_value value, struct bytes *bytes)
{
    return to_bytes(env, value, bytes) && bytes->size == sizeof(struct sha256);
}

/* sha256Start(state) */
static napi_value start(napi_env env, napi_callback_info info)
{
    napi_value values[1];
    struct bytes bytes;
    struct sha256 state;
    if (!called(env, info, 1, values) || !to_state(env, values[0], &bytes))
        return refuse(env, "sha256Start: a state is needed");
    sha256_start(&state);
    memcpy(bytes.data, &state, sizeof state);
    return NULL;
}

/* sha256Update(state, bytes) */
static napi_value update(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    struct bytes bytes, more;
    struct sha256 state;
    if (!called(env, info, 2, values) || !to_state(env, values[0], &bytes) || !to_bytes(env, values[1], &more))
        return refuse(env, "sha256Update: a state and bytes are needed");
    memcpy(&state, bytes.data, sizeof state);
    sha256_update(&state, more.data, more.size);
    memcpy(bytes.data, &state, sizeof state);
    return NULL;
}

/* sha256End(state, into) */
static napi_value end(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    struct bytes bytes, into;
    struct sha256 state;
    if (!called(env, info, 2, values) || !to_state(env, values[0], &bytes) || !to_bytes(env, values[1], &into) ||
        into.size != DIGEST)
        return refuse(env, "sha256End: a state and room for a digest are needed");
    memcpy(&state, bytes.data, sizeof state);
    sha256_end(&state, into.data);
    return NULL;
}

bool lend_sha256(napi_env env, napi_value object, bool is_here)
{
    static const char here;
    void *data = is_here ? (void *)&here : NULL;
    const napi_property_descriptor functions[] = {
        {.utf8name = "sha256Start", .method = start, .attributes = napi_enumerable, .data = data},
        {.utf8name = "sha256Update", .method = update, .attributes = napi_enumerable, .data = data},
        {.utf8name = "sha256End", .method = end, .attributes = napi_enumerable, .data = data},
    };
    napi_value has;
    return napi_get_boolean(env, is_here, &has) == napi_ok &&
           napi_set_named_property(env, object, "hasSha256", has) == napi_ok &&
           napi_define_properties(env, object, sizeof functions / sizeof *functions, functions) == napi_ok;
}
#endif
