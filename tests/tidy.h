/* For clang-tidy alone (tests/deep.py): its analyzer does not follow calls through ec_io. It knows what the library's own
 * functions do: that memory is zeroed, has to be freed once, may be missing. */
#define ec_malloc malloc
#define ec_calloc calloc
#define ec_strdup strdup
#define ec_free   free
