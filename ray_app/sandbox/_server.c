/* The server's loop in C, `_semray_sandbox`: forks one child per job, watches it, sends what it left. What it does is
   what ray_app/sandbox/server.py does without it; that file builds the walls, and proves them, in both cases.

   Between a fork and the end of the child the loop writes to no page but its own few, because a page that parent and
   child share costs a copy at the first write. System calls that the filter grants only to the server carry its secret
   as their sixth argument; a child forgets it before it runs a program. */

#include "_child.h"
#include "_memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/sched.h>
#include <linux/seccomp.h>

#define VERSION 5 /* ray_app/sandbox/protocol.py: VERSION */
#define CLIENT 0
#define DENIAL_NS 20000 /* server.py: _DENIAL_NS */
#define MAX_DENIALS 64
#define MIN_PATIENCE_S 0.001
#define ROOM ((size_t)1 << 20)
#define DENIALS_ROOM ((size_t)4096) /* for MAX_DENIALS lines, and an answer's head */
#define ENOUGH_BYTES ((size_t)32 << 10)

enum { ENDED, CPU_TIMEOUT, WALL_TIMEOUT }; /* protocol.py */

#pragma pack(push, 1)
typedef struct {
    int32_t wait_status;
    uint32_t reason, running;
    uint64_t cpu_ns;
    uint32_t denials, records, trace;
} Answer; /* protocol.py: ANSWER */
#pragma pack(pop)

typedef struct {
    uint32_t call;
    int number;
} Denial;

static struct {
    long secret;
    char *slot;
    size_t slot_bytes;
    uint64_t address_space;
    /* Mappings of their own, away from the interpreter's heap. */
    char *jobs, *job, *answers; /* a child gets the second only */
    size_t jobs_room, jobs_read, jobs_done; /* bytes: what there is room for, what has come, what was taken */
    size_t job_room, answers_held;
} server;

/* One child under way. */
static struct Watch {
    int pid, pidfd, ended;
    double cpu_s, wall_s, cpu_left_s, wall_left_s, wall_end_s;
    int64_t denial_ns;
    uint32_t running;
    int denial_count;
    Denial denials[MAX_DENIALS];
} watch;

static long guarded(long number, long a, long b, long c, long d, long e)
{
    return syscall(number, a, b, c, d, e, server.secret);
}

static SlotHeader header(void)
{
    SlotHeader copy;
    memcpy(&copy, server.slot, sizeof copy);
    return copy;
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) ? 0.0 : (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the socket ---- */

static void write_exactly(const char *data, size_t size)
{
    while (size) {
        ssize_t count = write(CLIENT, data, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) _exit(0); /* the client is gone */
        data += count;
        size -= (size_t)count;
    }
}

static char *map(size_t bytes)
{
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

/* Answers wait for each other, as waking the client costs more than most of them: until 32 KiB are there, a child
   takes its time, or the client may be waiting. */
static void send_held(void)
{
    write_exactly(server.answers, server.answers_held);
    server.answers_held = 0;
}

/* Never waits: a child is under way. A socket that takes anything takes more than what is held. */
static void send_held_if_taken(void)
{
    struct pollfd client = {CLIENT, POLLOUT, 0};
    struct timespec now = {0, 0};
    if (server.answers_held && guarded(SYS_ppoll, (long)&client, 1, (long)&now, 0, 0) > 0) send_held();
}

/* Room for so many bytes at *memory; -1 where memory is lacking. */
static int make_room(char **memory, size_t *room, size_t bytes)
{
    if (bytes <= *room) return 0;
    void *larger = mremap(*memory, *room, bytes + ROOM, MREMAP_MAYMOVE);
    if (larger == MAP_FAILED) return -1;
    *memory = larger;
    *room = bytes + ROOM;
    return 0;
}

/* The size of the next job, which is in server.job; 0 when the client is gone, -1 where memory is lacking. */
static long next_job(void)
{
    for (;;) {
        uint32_t size = 0;
        size_t left = server.jobs_read - server.jobs_done;
        if (left >= sizeof size) memcpy(&size, server.jobs + server.jobs_done, sizeof size);
        if (left >= sizeof size && size < sizeof(JobHead)) return 0;
        if (left >= sizeof size + size && size > 0) {
            if (make_room(&server.job, &server.job_room, size)) return -1;
            memcpy(server.job, server.jobs + server.jobs_done + sizeof size, size);
            server.jobs_done += sizeof size + size;
            return (long)size;
        }
        if (make_room(&server.jobs, &server.jobs_room, sizeof size + size)) return -1;
        memmove(server.jobs, server.jobs + server.jobs_done, left);
        server.jobs_done = 0;
        server.jobs_read = left;
        send_held();
        ssize_t count = read(CLIENT, server.jobs + left, server.jobs_room - left);
        if (count == 0 || (count < 0 && errno != EINTR)) return 0;
        if (count > 0) server.jobs_read += (size_t)count;
    }
}

/* ---- the child's walls ---- */

static int limit(int kind, uint64_t bound)
{
    struct rlimit both = {bound, bound};
    return guarded(SYS_prlimit64, 0, kind, (long)&both, 0, 0) != 0;
}

/* Dies with the server, has no descriptor, no process to start, bounded memory, and forgets the secret. */
static void confine(uint64_t memory_bytes)
{
    int failed = guarded(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0;
    failed |= syscall(SYS_close_range, 0, ~0u, 0) != 0;
    failed |= limit(RLIMIT_NOFILE, 0) || limit(RLIMIT_NPROC, 0) || limit(RLIMIT_AS, server.address_space + memory_bytes);
    if (failed) _exit(EXIT_NOT_CONFINED);
    server.secret = 0;
}

/* 0 in the child. `pidfd` may be NULL. */
static int fork_child(uint64_t memory_bytes, int *pidfd)
{
    memset(server.slot, 0, sizeof(SlotHeader));
    int pid = (int)guarded(SYS_clone, SIGCHLD | (pidfd ? CLONE_PIDFD : 0), 0, (long)pidfd, 0, 0);
    if (pid == 0) confine(memory_bytes);
    return pid;
}

/* ---- the clocks of one child: CPU time per call decides, wall time only ends what waits ---- */

static int verdict(void)
{
    if (watch.ended) return ENDED;
    SlotHeader now = header();
    double wall = seconds(CLOCK_MONOTONIC);
    if (now.running != watch.running) {
        watch.running = now.running;
        watch.wall_end_s = wall + watch.wall_s;
        watch.denial_ns = 0;
    }
    double used = seconds((clockid_t)((~(unsigned)watch.pid << 3) | 2)) - (double)now.started_ns / 1e9;
    watch.cpu_left_s = watch.cpu_s - used - (double)watch.denial_ns / 1e9;
    watch.wall_left_s = watch.wall_end_s - wall;
    if (watch.cpu_left_s > 0 && watch.wall_left_s > 0) return -1;
    return watch.cpu_left_s <= 0 ? CPU_TIMEOUT : WALL_TIMEOUT;
}

/* Answers a system call that is not allowed with EPERM, and notes it against the running call. */
static void refuse(int listener)
{
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) return; /* the child was killed meanwhile */
    uint32_t call = header().running;
    struct seccomp_notif_resp response = {.id = asked.id, .error = -EPERM};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response)) return;
    watch.denial_ns += DENIAL_NS;
    for (int i = 0; i < watch.denial_count; i++) {
        if (watch.denials[i].call == call && watch.denials[i].number == asked.data.nr) return;
    }
    if (watch.denial_count < MAX_DENIALS) watch.denials[watch.denial_count++] = (Denial){call, asked.data.nr};
}

/* Sleeps until something happens or a limit may be reached. */
static void attend(int parent, int listener)
{
    double patience = watch.cpu_left_s < watch.wall_left_s ? watch.cpu_left_s : watch.wall_left_s;
    if (patience < MIN_PATIENCE_S || server.answers_held > 0) patience = MIN_PATIENCE_S;
    struct timespec time = {(time_t)patience, (long)((patience - (double)(time_t)patience) * 1e9)};
    struct pollfd watched[4] = {{watch.pidfd, POLLIN, 0}, {parent, POLLIN, 0}, {CLIENT, 0, 0}, {listener, POLLIN, 0}};
    if (guarded(SYS_ppoll, (long)watched, listener < 0 ? 3 : 4, (long)&time, 0, 0) <= 0) return;
    if (watched[1].revents || watched[2].revents) _exit(0); /* nobody waits for the answer */
    if (watched[0].revents) watch.ended = 1;
    else if (listener >= 0 && watched[3].revents) refuse(listener);
}

static int follow(int parent, int listener, Answer *answer)
{
    int reason, status;
    struct rusage usage;
    for (int waits = 0; (reason = verdict()) < 0; waits++) {
        if (waits > 0) send_held_if_taken();
        attend(parent, listener);
    }
    if (reason != ENDED) guarded(SYS_kill, watch.pid, SIGKILL, 0, 0, 0);
    if (guarded(SYS_wait4, watch.pid, (long)&status, 0, (long)&usage, 0) < 0) return -1;
    close(watch.pidfd);
    answer->wait_status = status;
    answer->reason = (uint32_t)reason;
    answer->cpu_ns = ((uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) * 1000u;
    return 0;
}

/* ---- answers ---- */

static size_t unfinished_trace(size_t committed, const char **trace)
{
    uint64_t written;
    *trace = server.slot + sizeof(SlotHeader) + committed + sizeof(RecordHead);
    memcpy(&written, *trace, sizeof written);
    return written > TRACE_BYTES - sizeof written ? TRACE_BYTES : sizeof written + written;
}

static void send_answer(Answer *answer, int traced)
{
    SlotHeader left = header();
    const char *trace = NULL;
    size_t most = server.slot_bytes - sizeof left - 2 * sizeof(RecordHead) - TRACE_BYTES;
    size_t records = left.records < most ? left.records : most;
    size_t unfinished = traced && answer->wait_status != 0 ? unfinished_trace(records, &trace) : 0;
    if (server.answers_held + sizeof(uint32_t) + sizeof *answer + DENIALS_ROOM + records > ROOM) send_held();
    char *begin = server.answers + server.answers_held, *text = begin + sizeof(uint32_t) + sizeof *answer, *end = text;
    for (int i = 0; i < watch.denial_count; i++) {
        end += sprintf(end, "%u %d\n", watch.denials[i].call, watch.denials[i].number);
    }
    answer->running = left.running;
    answer->denials = (uint32_t)(end - text);
    answer->records = (uint32_t)records;
    answer->trace = (uint32_t)unfinished;
    uint32_t total = (uint32_t)(sizeof *answer + answer->denials + records + unfinished);
    memcpy(begin, &total, sizeof total);
    memcpy(begin + sizeof total, answer, sizeof *answer);
    int small = (size_t)(end - server.answers) + records <= ROOM;
    if (small) memcpy(end, server.slot + sizeof left, records);
    server.answers_held = (size_t)(end - server.answers) + (small ? records : 0);
    if (small && !unfinished && server.answers_held < ENOUGH_BYTES) return;
    send_held();
    if (!small) write_exactly(server.slot + sizeof left, records);
    write_exactly(trace, unfinished);
}

/* ---- the module ---- */

static PyObject *prepare(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer slot;
    unsigned long long address_space;
    PyObject *events, *screen, *instrument, *scripts;
    if (!PyArg_ParseTuple(arguments, "w*lKO!OOO", &slot, &server.secret, &address_space, &PyTuple_Type, &events, &screen,
                          &instrument, &scripts)) {
        return NULL;
    }
    server.slot = slot.buf; /* never released: the mapping outlives the process's work */
    server.slot_bytes = (size_t)slot.len;
    server.address_space = address_space;
    server.jobs = map(server.jobs_room = ROOM);
    server.job = map(server.job_room = ROOM);
    server.answers = map(ROOM + DENIALS_ROOM);
    if (server.jobs == NULL || server.job == NULL || server.answers == NULL) return PyErr_NoMemory();
    madvise(server.jobs, server.jobs_room, MADV_DONTFORK);
    madvise(server.answers, ROOM + DENIALS_ROOM, MADV_DONTFORK);
    if (PyTuple_GET_SIZE(events) != 3 || child_prepare(slot.buf, (size_t)slot.len, events, screen, instrument, scripts)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "the child cannot be prepared");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *call(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long number, a, b, c, d, e, f;
    if (!PyArg_ParseTuple(arguments, "lllllll", &number, &a, &b, &c, &d, &e, &f)) return NULL;
    long result = syscall(number, a, b, c, d, e, f);
    return PyLong_FromLong(result == -1 ? -errno : result);
}

static PyObject *address(PyObject *Py_UNUSED(module), PyObject *data)
{
    if (PyByteArray_Check(data)) return PyLong_FromVoidPtr(PyByteArray_AS_STRING(data));
    PyErr_SetString(PyExc_TypeError, "a bytearray is needed");
    return NULL;
}

static PyObject *share(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "n", &size)) return NULL;
    void *shared = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return PyErr_SetFromErrno(PyExc_OSError);
    return PyMemoryView_FromMemory(shared, size, PyBUF_WRITE);
}

static PyObject *arrange_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    memory_arrange();
    Py_RETURN_NONE;
}

static PyObject *fork_confined(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned long long memory_bytes;
    if (!PyArg_ParseTuple(arguments, "K", &memory_bytes)) return NULL;
    int pid = fork_child(memory_bytes, NULL);
    return pid < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(pid);
}

/* What is finished is not lost. */
static PyObject *give_up(void)
{
    PyErr_SetFromErrno(PyExc_OSError);
    send_held();
    return NULL;
}

static PyObject *serve(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int parent, listener, pidfd;
    long size;
    if (!PyArg_ParseTuple(arguments, "ii", &parent, &listener)) return NULL;
    memory_settle();
    while ((size = next_job()) > 0) {
        JobHead head;
        Answer answer;
        memcpy(&head, server.job, sizeof head);
        int pid = fork_child(head.memory_bytes, &pidfd);
        if (pid == 0) child_run(server.job + sizeof head, (size_t)size - sizeof head, (int)head.traced);
        if (pid < 0) return give_up();
        memset(&watch, 0, offsetof(struct Watch, denials));
        watch.pid = pid;
        watch.cpu_s = head.cpu_s;
        watch.wall_s = head.wall_s;
        watch.running = UINT32_MAX;
        watch.pidfd = pidfd;
        if (follow(parent, listener, &answer)) return give_up();
        send_answer(&answer, head.traced != 0);
    }
    if (size < 0) return give_up();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS, "prepare(slot, secret, address_space, (forbidden, observed, harmless), screen, instrument or None, scripts or None)"},
    {"call", call, METH_VARARGS, "call(number, six integers) -> the kernel's result, or the negative error number"},
    {"address", address, METH_O, "address(bytearray) -> where its bytes are, while it keeps its size"},
    {"share", share, METH_VARARGS, "share(size) -> memoryview of memory that forked processes share, for ever"},
    {"arrange_memory", arrange_memory, METH_NOARGS, "arrange_memory(): once, before the walls"},
    {"fork_confined", fork_confined, METH_VARARGS, "fork_confined(memory_bytes) -> pid, 0 in the child"},
    {"serve", serve, METH_VARARGS, "serve(parent's pidfd, listener or -1): until the client goes away"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_semray_sandbox",
    .m_doc = "The sandbox server's loop and its children.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__semray_sandbox(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0) return NULL;
    return module;
}
