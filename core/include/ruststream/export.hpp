#pragma once

/// Marks what libruststream.so exports; everything else is hidden.
#if defined(_WIN32)
#if defined(ruststream_EXPORTS)
#define RUSTSTREAM_EXPORT __declspec(dllexport)
#else
#define RUSTSTREAM_EXPORT __declspec(dllimport)
#endif
#else
#define RUSTSTREAM_EXPORT __attribute__((visibility("default")))
#endif
