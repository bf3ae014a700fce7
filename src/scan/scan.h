/* Finding what matters in bytes, 64 at a time, with the widest instructions of the machine.
 *
 * A kernel turns a block of 64 bytes into words of 64 bits, lowest bit first byte, so that a
 * reader walks the set bits instead of the bytes. The scalar variant is always built and is the
 * oracle of the others. The best variant that the processor has is chosen at the first call;
 * the environment's ECLUSE_CPU=scalar|avx2|avx512|neon (or EC_SCAN) asks for another one, so that
 * tests walk every variant. ec_scan() is thread-safe, the rest is not.
 *
 *     uint64_t special[4], suspect[4];
 *     ec_scan()->csv(p, 4, ',', special, suspect);   // 256 readable bytes at p
 */
#ifndef EC_SCAN_SCAN_H
#define EC_SCAN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_SCAN_BLOCK 64u

struct ec_scan {
    const char *name;
    /* Of each of `blocks` blocks at p: special[i] marks the separator, '"', LF and CR; suspect[i]
     * marks NUL and bytes past ASCII. Reads 64 * blocks bytes, of any alignment. */
    void (*csv)(const char *p, size_t blocks, char separator, uint64_t *special, uint64_t *suspect);
    /* The offset of the first LF or CR among n bytes, or n. Reads no byte behind them. */
    size_t (*line_end)(const char *p, size_t n);
};

const struct ec_scan *ec_scan(void);

/* Since ec_scan() was called first: whether the scalar variant was asked for. What is inlined for every
 * processor (json_scan.h) then goes byte by byte, too. */
extern bool ec_scan_bytewise;

/* Every variant that this machine can run, the scalar one first. */
const struct ec_scan *const *ec_scan_variants(size_t *count);

/* From now on ec_scan() is the variant of that name; false where there is none. For tests. */
bool ec_scan_use(const char *name);

#endif
