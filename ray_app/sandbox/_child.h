/* What runs the programs in a child of the server, and the layout of what they leave: see _child.c. */

#ifndef SEMRAY_CHILD_H
#define SEMRAY_CHILD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* ray_app/sandbox/protocol.py: TRACE_BYTES, HEADER, JOB, _HEAD, and the exit codes. */
#define TRACE_BYTES ((size_t)8 << 20)

typedef struct {
    uint32_t records, running;
    uint64_t started_ns;
} SlotHeader;

typedef struct {
    double cpu_s, wall_s;
    uint64_t memory_bytes, traced;
} JobHead;

typedef struct {
    uint32_t status, trace, output, exception, printed, flags;
    uint64_t cpu_ns;
} RecordHead;

enum { NOT_TRACED, TRACED, RECORDED }; /* protocol.py */
enum { EXIT_SLOT_FULL = 96, EXIT_NOT_CONFINED = 97, EXIT_TAMPERED = 98 };

/* Called once in the server; `events` is (forbidden, observed prefixes, harmless), each a sequence of str; `screen` says
   of a program's code objects whether it may share a child; `instrument` compiles a source with notes, None where this
   server makes no records; `scripts` begins and ends whole programs, None where they do not run. -1 with an exception on
   failure. The slot stays valid for ever. */
int child_prepare(char *slot, size_t slot_bytes, PyObject *events, PyObject *screen, PyObject *instrument,
                  PyObject *scripts);

/* Runs a marshalled job to its end and leaves the process. */
_Noreturn void child_run(const char *job, size_t size, int traced);

#endif
