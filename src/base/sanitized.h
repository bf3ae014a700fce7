/* Whether a sanitizer is built in: its runtime maps terabytes, starts threads and programs of its own, and does not
 * bear every way of loading a library. gcc says so by macros, clang by features. */
#ifndef EC_BASE_SANITIZED_H
#define EC_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EC_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define EC_SANITIZED 1
#endif
#endif
#ifndef EC_SANITIZED
#define EC_SANITIZED 0
#endif

#endif
