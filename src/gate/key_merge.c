/* A merge of key files, a stretch of each run at a time.
 *
 *     run 0   ....|#########---      A round looks at the next keys of each run, so many that all of
 *     run 1   ...|###########        them stay in the processor's cache. The least of their last keys
 *     run 2   .....|#######----      is a bound: of keys up to it, every run shows all that it has (#).
 *                         ^ bound    Those that another one equals are sorted together and given out.
 *
 * Nearly no key has an equal, so that finding those that have, in a small table, is most of the work.
 * Keys with the hash of a bound may have their equals in another round: they are given out too.
 * Hashes are spread evenly, so that a round takes most of what it looks at, and the cost of a key
 * does not grow with the number of runs as a heap's does. However they are spread, it takes at least
 * the whole stretch of one run.
 */
#include "gate/key_sort.h"
#include "gate/keys.h"

#include "base/io.h"

/* What the blocks of all runs share, and what one of them gets at least and at most. */
#define BLOCKS_BYTES      ((size_t)16 * EC_MIB)
#define BLOCK_RECORDS_MIN ((size_t)16)
#define BLOCK_RECORDS_MAX ((size_t)4096)
#define MERGE_ARENA_MAX   ((size_t)EC_GIB)
/* Keys of a round, over all runs, and at least of one run. */
#define ROUND_KEYS  ((size_t)4096)
#define STRETCH_MIN ((size_t)16)
/* Slots that are looked at for one key. Hashes that are made to need more are all sorted. */
#define PROBES_MAX 64u

/* In an item's `at`, which is a place in a block: this item has an equal. */
#define REPEATED (UINT32_C(1) << 31)

/* One sorted run of one file. */
struct run {
    const char *path;
    uint32_t rank;
    uint64_t next; /* record in the file to read next */
    uint64_t end;  /* record behind the run */
    size_t at, n;  /* in the block: given out up to at, of n */
    struct ec_key *key;
};

struct ec_key_merge {
    struct run *run;
    size_t run_count;
    size_t block;             /* records of a run's */
    size_t stretch;           /* of them, in a round */
    struct ec_key_item *item; /* of the round, sorted; and as many to sort them */
    size_t item_cap, item_n, item_at;
    uint32_t *slot;  /* of the table: 1 + the item that is there; 0 is free */
    size_t slots;    /* a power of two, at least twice item_cap */
    uint64_t before; /* the upper half of the last bound's hash */
    struct ec_arena arena;
};

static int compare(const struct run *x, const struct ec_key *p, const struct run *y, const struct ec_key *q) {
    if (p->hash.hi != q->hash.hi) return p->hash.hi < q->hash.hi ? -1 : 1;
    if (p->hash.lo != q->hash.lo) return p->hash.lo < q->hash.lo ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (p->offset > q->offset) - (p->offset < q->offset);
}

static int by_rest(const void *a, const void *b, void *context) {
    const struct ec_key_item *p = a, *q = b;
    const struct run *run = context, *x = &run[p->run], *y = &run[q->run];
    return compare(x, &x->key[p->at], y, &y->key[q->at]);
}

/* Opens the file for each of its blocks: a process may not hold thousands of files open. */
static enum ec_status refill(const struct ec_key_merge *m, struct run *run, struct ec_err *err) {
    uint64_t left = run->end - run->next;
    size_t n = left < m->block ? (size_t)left : m->block, got = 0;
    int fd;
    EC_TRY(ec_file_open(run->path, &fd, NULL, err));
    enum ec_status status = ec_file_read_at(fd, run->key, n * sizeof *run->key, (off_t)(run->next * sizeof *run->key),
                                            &got, run->path, err);
    (void)ec_io.close(fd);
    EC_TRY(status);
    if (got != n * sizeof *run->key) return ec_fail(err, EC_IO, "the key file %s is shorter than it was", run->path);
    run->next += n;
    run->at = 0;
    run->n = n;
    return EC_OK;
}

/* Behind the run's stretch of the round. */
static size_t stretch_end(const struct ec_key_merge *m, const struct run *run) {
    return run->n - run->at < m->stretch ? run->n : run->at + m->stretch;
}

struct bound {
    const struct run *run; /* NULL: no run has more than its stretch */
    const struct ec_key *key;
};

/* Of the runs that have more than their stretch, the one whose stretch ends first. */
static struct bound find_bound(const struct ec_key_merge *m) {
    struct bound bound = {0};
    for (size_t i = 0; i < m->run_count; i++) {
        const struct run *run = &m->run[i];
        size_t end = stretch_end(m, run);
        if (end == run->n && run->next == run->end) continue;
        const struct ec_key *last = &run->key[end - 1];
        if (!bound.run || compare(run, last, bound.run, bound.key) < 0) bound = (struct bound){run, last};
    }
    return bound;
}

/* The first record of the run's stretch behind the bound. */
static size_t records_up_to(const struct ec_key_merge *m, const struct run *run, const struct bound *bound) {
    size_t low = run->at, high = stretch_end(m, run);
    if (!bound->run) return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(run, &run->key[middle], bound->run, bound->key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Marks the items whose hash another one has, by their `repeated` bit; false where they are too alike
 * to tell. Half a hash is enough to say that two may be equal. */
static bool mark_repeated(struct ec_key_merge *m) {
    memset(m->slot, 0, m->slots * sizeof *m->slot);
    for (size_t i = 0; i < m->item_n; i++) {
        size_t at = (size_t)m->item[i].hi & (m->slots - 1);
        unsigned probes = 0;
        for (; m->slot[at] != 0; at = (at + 1) & (m->slots - 1)) {
            struct ec_key_item *met = &m->item[m->slot[at] - 1];
            if (met->hi == m->item[i].hi) {
                met->at |= REPEATED;
                m->item[i].at |= REPEATED;
                break;
            }
            if (++probes > PROBES_MAX) return false;
        }
        if (m->slot[at] == 0) m->slot[at] = (uint32_t)i + 1;
    }
    return true;
}

/* Leaves out the items that have no equal in this round and can have none in another. */
static void keep_repeated(struct ec_key_merge *m, uint64_t bound) {
    bool told = mark_repeated(m);
    size_t n = 0;
    for (size_t i = 0; i < m->item_n; i++) {
        struct ec_key_item item = m->item[i];
        bool kept = !told || (item.at & REPEATED) || item.hi == bound || item.hi == m->before;
        item.at &= ~REPEATED;
        m->item[n] = item;
        n += kept;
    }
    m->item_n = n;
    m->before = bound;
}

/* What was given out of the blocks may be read over: the items of the last round are used up. */
static enum ec_status next_round(struct ec_key_merge *m, bool *all, struct ec_err *err) {
    m->item_n = m->item_at = 0;
    for (size_t i = 0; i < m->run_count; i++)
        if (m->run[i].at == m->run[i].n && m->run[i].next < m->run[i].end) EC_TRY(refill(m, &m->run[i], err));
    struct bound bound = find_bound(m);
    for (size_t i = 0; i < m->run_count; i++) {
        struct run *run = &m->run[i];
        size_t end = records_up_to(m, run, &bound);
        for (; run->at < end; run->at++)
            m->item[m->item_n++] = (struct ec_key_item){run->key[run->at].hash.hi, (uint32_t)i, (uint32_t)run->at};
    }
    *all = m->item_n == 0;
    keep_repeated(m, bound.run ? bound.key->hash.hi : m->before);
    ec_key_sort(m->item, m->item + m->item_cap, m->item_n, by_rest, m->run);
    return EC_OK;
}

static enum ec_status count_records(const char *path, uint64_t *records, struct ec_err *err) {
    struct stat st;
    int fd;
    EC_TRY(ec_file_open(path, &fd, &st, err));
    (void)ec_io.close(fd);
    *records = (uint64_t)st.st_size / sizeof(struct ec_key);
    if ((uint64_t)st.st_size % sizeof(struct ec_key) == 0) return EC_OK;
    return ec_fail(err, EC_IO, "the key file %s is damaged: it ends within a record", path);
}

static enum ec_status add_runs(struct ec_key_merge *m, const struct ec_key_input *input, uint64_t records,
                               struct ec_err *err) {
    for (uint64_t start = 0; start < records; start += EC_KEY_RUN) {
        uint64_t end = records - start < EC_KEY_RUN ? records : start + EC_KEY_RUN;
        struct run *run = &m->run[m->run_count++];
        *run = (struct run){.path = input->path, .rank = input->rank, .next = start, .end = end};
        size_t most = end - start < m->block ? (size_t)(end - start) : m->block;
        run->key = ec_arena_alloc(&m->arena, most * sizeof *run->key);
        if (!run->key) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
        m->item_cap += most < m->stretch ? most : m->stretch;
    }
    return EC_OK;
}

static enum ec_status open_runs(struct ec_key_merge *m, const struct ec_key_input *input, size_t count,
                                struct ec_err *err) {
    size_t runs = 0;
    uint64_t *records = ec_arena_calloc(&m->arena, count, sizeof *records);
    if (!records) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    for (size_t i = 0; i < count; i++) {
        EC_TRY(count_records(input[i].path, &records[i], err));
        runs += (size_t)((records[i] + EC_KEY_RUN - 1) / EC_KEY_RUN);
    }
    m->run = ec_arena_calloc(&m->arena, runs, sizeof *m->run);
    if (!m->run) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    m->block = BLOCKS_BYTES / sizeof(struct ec_key) / (runs ? runs : 1);
    if (m->block < BLOCK_RECORDS_MIN) m->block = BLOCK_RECORDS_MIN;
    if (m->block > BLOCK_RECORDS_MAX) m->block = BLOCK_RECORDS_MAX;
    m->stretch = ROUND_KEYS / (runs ? runs : 1);
    if (m->stretch < STRETCH_MIN) m->stretch = STRETCH_MIN;
    for (size_t i = 0; i < count; i++) EC_TRY(add_runs(m, &input[i], records[i], err));
    m->item = ec_arena_alloc(&m->arena, 2 * m->item_cap * sizeof *m->item);
    for (m->slots = 64; m->slots < 2 * m->item_cap;) m->slots *= 2;
    m->slot = ec_arena_alloc(&m->arena, m->slots * sizeof *m->slot);
    return m->item && m->slot ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
}

enum ec_status ec_key_merge_open(const struct ec_key_input *input, size_t count, struct ec_key_merge **out,
                                 struct ec_err *err) {
    struct ec_key_merge *m = ec_calloc(1, sizeof *m);
    if (!m) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    ec_arena_init(&m->arena, MERGE_ARENA_MAX);
    enum ec_status status = open_runs(m, input, count, err);
    if (status != EC_OK) {
        ec_key_merge_close(m);
        return status;
    }
    *out = m;
    return EC_OK;
}

enum ec_status ec_key_merge_next(struct ec_key_merge *m, struct ec_key *key, uint32_t *rank, bool *end,
                                 struct ec_err *err) {
    *end = false;
    while (m->item_at == m->item_n && !*end) EC_TRY(next_round(m, end, err));
    if (*end) return EC_OK;
    const struct ec_key_item *item = &m->item[m->item_at++];
    const struct run *run = &m->run[item->run];
    *key = run->key[item->at];
    *rank = run->rank;
    return EC_OK;
}

void ec_key_merge_close(struct ec_key_merge *m) {
    if (!m) return;
    ec_arena_deinit(&m->arena);
    ec_free(m);
}
