/* The canonical text of a value, as ray_app/tracing/canonical.py defines it: byte for byte the same, without user code. */

#ifndef SEMRAY_CANONICAL_H
#define SEMRAY_CANONICAL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What stopped the writing of a text. Nothing sets a Python exception. */
typedef enum {
    WRITTEN = 0,
    CUT,      /* a cap was reached: the text is a prefix */
    OVERWORK, /* a set needs more visits than are allowed; only seen inside canonical.c */
    FAILED    /* out of memory */
} Outcome;

/* UTF-8 text of at most `limit` characters, and then "..." if it is cut. */
typedef struct {
    char *data;
    Py_ssize_t bytes, capacity, chars, limit;
} Text;

/* Must be called once before the others; -1 with an exception if the interpreter lacks a type. */
int canonical_prepare(void);

/* Both replace the text's content and return WRITTEN, or FAILED. */
Outcome canonical_write(Text *text, PyObject *value);
Outcome canonical_write_exception(Text *text, PyObject *error);

/* Appends raw UTF-8 of a str, lone surrogates as their escapes; CUT at the limit. */
Outcome text_append_unicode(Text *text, PyObject *string);

/* Whether the value can never change its text and runs no code when it dies: an atom, or a tuple or range of atoms. */
int canonical_is_constant(PyObject *value);

void text_free(Text *text);

#endif
