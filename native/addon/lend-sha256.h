/* The SHA-256 of codec.h for JavaScript. */
#ifndef OCIBAKE_LEND_SHA256_H
#define OCIBAKE_LEND_SHA256_H

#include "arguments.h"

/* Has `object` lend it; where `is_here` is not set, it says so and refuses whatever it is called with. */
bool lend_sha256(napi_env env, napi_value object, bool is_here);

#endif
