/* Most of what a child costs is its page tables: each page that server and child share is entered at the fork and
   struck out at the end, and each that the child writes to, or reads from a file, is a fault. So the server's memory is
   put on huge pages, which are one entry each: Python's arenas (`begin`), code and heap (`memory_arrange`). A child that
   writes to a huge page still copies small ones only. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HUGE_BYTES ((uintptr_t)2 << 20)
#define ARENAS_BYTES (16 * HUGE_BYTES)
#define MOST_AREAS 1024
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* pymalloc's: the size classes, and where a pool's first block lies in it. */
#define STEP_BYTES 16
#define LARGEST_BYTES 512
#define POOL_BYTES ((uintptr_t)16 << 10)
#define POOL_HEAD_BYTES 48
#define ENOUGH_BYTES ((size_t)1 << 20) /* more gaps than a started interpreter has in a size class */

typedef struct {
    uintptr_t from, to;
    int readable, writable, executable;
    unsigned long file; /* its inode, 0 for none */
    int is_heap;
} Area;

typedef struct {
    uintptr_t from, to; /* whole huge pages */
} Blocks;

static Blocks heap;
static struct {
    uintptr_t from, next, to;
} arenas;

static uintptr_t down(uintptr_t address)
{
    return address & ~(HUGE_BYTES - 1);
}

static uintptr_t up(uintptr_t address)
{
    return down(address + HUGE_BYTES - 1);
}

/* Memory that begins with a huge page and may lie on some; 0 where there is none. */
static uintptr_t map_huge(size_t bytes)
{
    void *mapped = mmap(NULL, bytes + HUGE_BYTES, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return 0;
    uintptr_t begin = (uintptr_t)mapped, from = up(begin);
    if (from > begin) munmap(mapped, from - begin);
    if (begin + HUGE_BYTES > from) munmap((void *)(from + bytes), begin + HUGE_BYTES - from);
    madvise((void *)from, bytes, MADV_HUGEPAGE);
    return from;
}

/* ---- arenas ---- */

static void *take_arena(void *Py_UNUSED(context), size_t bytes)
{
    if (arenas.next + bytes <= arenas.to) {
        arenas.next += bytes;
        return (void *)(arenas.next - bytes);
    }
    void *mapped = mmap(NULL, bytes, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static void drop_arena(void *Py_UNUSED(context), void *arena, size_t bytes)
{
    uintptr_t at = (uintptr_t)arena;
    if (at < arenas.from || at >= arenas.to) munmap(arena, bytes);
}

/* Runs when the library is loaded. Before the interpreter starts, where the loader was told to preload it, Python's
   small objects can still be given a place. */
__attribute__((constructor)) static void begin(void)
{
    if (Py_IsInitialized() || (arenas.from = map_huge(ARENAS_BYTES)) == 0) return;
    arenas.next = arenas.from;
    arenas.to = arenas.from + ARENAS_BYTES;
    PyObjectArenaAllocator ours = {NULL, take_arena, drop_arena};
    PyObject_SetArenaAllocator(&ours);
}

/* A child's own arenas lie elsewhere: they go back to the kernel when they are free, and count as they are used. */
static void close_arenas(void)
{
    uintptr_t end = up(arenas.next);
    if (end < arenas.to) munmap((void *)end, arenas.to - end);
    arenas.to = end;
}

/* ---- code and heap ---- */

static size_t read_areas(Area *areas)
{
    char line[1024];
    size_t count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && count < MOST_AREAS && fgets(line, sizeof line, file) != NULL) {
        unsigned long from, to;
        char mode[5];
        Area *area = &areas[count];
        if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &from, &to, mode, &area->file) != 4) continue;
        area->from = from;
        area->to = to;
        area->readable = mode[0] == 'r';
        area->writable = mode[1] == 'w';
        area->executable = mode[2] == 'x';
        area->is_heap = strstr(line, "[heap]") != NULL;
        count++;
    }
    if (file != NULL) fclose(file);
    return count;
}

/* Puts a copy in the place of code, and of the constants beside it, which become executable too. Nothing happens where
   executable memory is refused. */
static void move_code(uintptr_t from, uintptr_t to)
{
    uintptr_t copy = map_huge(to - from);
    if (copy == 0) return;
    memcpy((void *)copy, (void *)from, to - from);
    if (mprotect((void *)copy, to - from, PROT_READ | PROT_EXEC) ||
        mremap((void *)copy, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) == MAP_FAILED) {
        munmap((void *)copy, to - from);
    }
}

/* Code of one file, with its constants before and behind, where whole huge pages of it are. */
static void move_code_of(const Area *areas, size_t count)
{
    for (size_t first = 0, last; first < count; first = last + 1) {
        int executable = areas[first].executable;
        for (last = first; last + 1 < count; last++) {
            const Area *next = &areas[last + 1];
            if (next->file != areas[first].file || next->from != areas[last].to || next->writable || !next->readable) break;
            executable |= next->executable;
        }
        const Area *begin = &areas[first];
        if (!begin->file || begin->writable || !begin->readable || !executable) continue;
        if (up(begin->from) < down(areas[last].to)) move_code(up(begin->from), down(areas[last].to));
    }
}

static void widen_heap(const Area *areas, size_t count)
{
    for (size_t i = 1; i + 1 < count; i++) {
        if (!areas[i].is_heap) continue;
        uintptr_t from = down(areas[i].from), to = up(areas[i].to);
        const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
        if (from < areas[i - 1].to || to > areas[i + 1].from) return;
        mmap((void *)from, areas[i].from - from, READ_WRITE, how, -1, 0);
        mmap((void *)areas[i].to, to - areas[i].to, READ_WRITE, how, -1, 0);
        heap = (Blocks){from, to};
        return;
    }
}

void memory_arrange(void)
{
    static Area areas[MOST_AREAS];
    size_t count = read_areas(areas);
    move_code_of(areas, count);
    widen_heap(areas, count);
    close_arenas();
}

/* ---- before the first child ---- */

/* Makes a child's first object of each size the first one of a pool: its page is then the only one written to, where
   the gaps of a used pool would be on up to four. */
static void fill_pools(void)
{
    for (size_t bytes = STEP_BYTES; bytes <= LARGEST_BYTES; bytes += STEP_BYTES) {
        for (size_t used = 0; used < ENOUGH_BYTES; used += bytes) {
            void *block = PyObject_Malloc(bytes);
            if (block == NULL || (uintptr_t)block % POOL_BYTES != POOL_HEAD_BYTES) continue;
            PyObject_Free(block);
            break;
        }
    }
}

static void collapse(uintptr_t from, uintptr_t to)
{
    for (; from < to; from += HUGE_BYTES) madvise((void *)from, HUGE_BYTES, MADV_COLLAPSE);
}

void memory_settle(void)
{
    fill_pools();
    collapse(heap.from, heap.to);
    collapse(arenas.from, arenas.to);
}
