/* What _tracer.c and _reader.c offer to other C files: the recorder, and the decoding of what it recorded. */

#ifndef SEMRAY_TRACER_H
#define SEMRAY_TRACER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The file name of whole programs, whose module is recorded as a frame: wire.py. */
#define SCRIPT_FILENAME "main.py"

/* As `start` and `stop` of ray_app.tracing.recorder; the buffer is 8-byte aligned and outlives the run. Not nested. */
void tracer_start(char *buffer, size_t size, PyObject *filename, Py_ssize_t value_chars, long long max_events);
void tracer_stop(void);

/* As `watch` of ray_app.tracing.note_recorder, before `tracer_start`: what follows is a record with notes, until it is
   stopped. NULL for names: without. */
void tracer_watch(PyObject *space, PyObject *names);

/* Puts notes in place of the constants that begin with the prefix, also in the code within; -1 with an exception. The
   prefix must be one that no program can know. */
int tracer_place_notes(PyCodeObject *code, const char *prefix);

/* Called once, before the others; -1 with an exception. */
int tracer_prepare(void);

/* decode(records, letters, event_type, change_type) -> (tuple of events, truncated). See ray_app.tracing.reader. */
PyObject *reader_decode(PyObject *module, PyObject *arguments);

/* decode_notes(records, kinds, layouts, and the five types) -> (tuple of entries, watched names, truncated). See
   ray_app.semantics.reader. */
PyObject *reader_decode_notes(PyObject *module, PyObject *arguments);

#endif
