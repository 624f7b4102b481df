/* What _tracer.c and _reader.c offer to other C files: the recorder, and the decoding of what it recorded. */

#ifndef SEMRAY_TRACER_H
#define SEMRAY_TRACER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* As `start` and `stop` of ray_app.tracing.recorder; the buffer is 8-byte aligned and outlives the run. Not nested. */
void tracer_start(char *buffer, size_t size, PyObject *filename, Py_ssize_t value_chars, long long max_events);
void tracer_stop(void);

/* decode(records, letters, event_type, change_type) -> (tuple of events, truncated). See ray_app.tracing.reader. */
PyObject *reader_decode(PyObject *module, PyObject *arguments);

#endif
