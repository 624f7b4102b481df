/* Decodes a recorder's bytes into events: what ray_app/tracing/reader.py does, and refuses, but fast.

   The bytes may have been forged: every number is bounded, every text is checked, and what is wrong is a ValueError.
   Events and changes are instances of Python's dataclasses with slots, filled through their slots' offsets; as they
   hold only texts, the garbage collector need not know them. */

#include "_tracer.h"

#include "structmember.h"

#include <stdint.h>
#include <string.h>

#define LARGEST ((uint32_t)1 << 31)
#define EVENT_FIELDS 7
#define CHANGE_FIELDS 2

typedef struct {
    PyTypeObject *type;
    Py_ssize_t offsets[EVENT_FIELDS];
} Record;

typedef struct {
    PyObject *function; /* NULL: not defined */
    PyObject **names;
    uint32_t count;
} Code;

typedef struct {
    const unsigned char *data;
    size_t at, size;
    PyObject *kinds[256]; /* borrowed; NULL where the byte is no kind of event */
    Record event, change;
    Code *codes;
    uint32_t code_slots;
} Reader;

static const char *const event_fields[EVENT_FIELDS] = {
    "kind", "line", "depth", "frame", "function", "changes", "value"};
static const char *const change_fields[CHANGE_FIELDS] = {"name", "value"};

static int wrong(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return -1;
}

static int find_slots(Record *record, PyObject *type, const char *const *fields, int count)
{
    if (!PyType_Check(type)) return wrong("not a class");
    record->type = (PyTypeObject *)type;
    for (int i = 0; i < count; i++) {
        PyObject *member = PyObject_GetAttrString(type, fields[i]);
        if (member == NULL) return -1;
        int is_slot = Py_IS_TYPE(member, &PyMemberDescr_Type) && PyDescr_TYPE(member) == record->type;
        if (is_slot) record->offsets[i] = ((PyMemberDescrObject *)member)->d_member->offset;
        Py_DECREF(member);
        if (!is_slot) return wrong("a class without the expected slots");
    }
    return 0;
}

/* A new instance that owns the values; NULL values are an error that is already set. */
static PyObject *make(const Record *record, PyObject **values, int count)
{
    PyObject *made = NULL;
    int complete = 1;
    for (int i = 0; i < count; i++) complete &= values[i] != NULL;
    if (complete) made = record->type->tp_alloc(record->type, 0);
    if (made != NULL && PyObject_GC_IsTracked(made)) PyObject_GC_UnTrack(made);
    for (int i = 0; i < count; i++) {
        if (made != NULL) *(PyObject **)((char *)made + record->offsets[i]) = values[i];
        else Py_XDECREF(values[i]);
    }
    return made;
}

static int read_number(Reader *reader, uint32_t *number)
{
    uint64_t value = 0;
    for (int shift = 0; shift <= 28; shift += 7) {
        if (reader->at >= reader->size) return wrong("trace record ends early");
        unsigned char byte = reader->data[reader->at++];
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            if (value >= LARGEST) return wrong("trace number is too large");
            *number = (uint32_t)value;
            return 0;
        }
    }
    return wrong("trace number is too long");
}

static PyObject *read_text(Reader *reader, uint32_t length)
{
    if (length > reader->size - reader->at) {
        wrong("trace text ends early");
        return NULL;
    }
    PyObject *text = PyUnicode_DecodeUTF8((const char *)reader->data + reader->at, length, NULL);
    reader->at += length;
    return text;
}

static PyObject *read_string(Reader *reader)
{
    uint32_t length;
    return read_number(reader, &length) ? NULL : read_text(reader, length);
}

static PyObject *read_long(Reader *reader)
{
    uint32_t number;
    return read_number(reader, &number) ? NULL : PyLong_FromUnsignedLong(number);
}

static void forget(Code *code)
{
    for (uint32_t i = 0; i < code->count; i++) Py_XDECREF(code->names[i]);
    PyMem_Free(code->names);
    Py_XDECREF(code->function);
    memset(code, 0, sizeof *code);
}

/* A recorder numbers codes from 0 on, so the number may be at most one beyond those that are known. */
static int read_definition(Reader *reader)
{
    uint32_t number, count;
    if (read_number(reader, &number)) return -1;
    if (number > reader->code_slots) return wrong("code is numbered out of turn");
    if (number == reader->code_slots) {
        Code *grown = PyMem_Realloc(reader->codes, (number + 1) * sizeof *grown);
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        reader->codes = grown;
        memset(&reader->codes[reader->code_slots++], 0, sizeof *grown);
    }
    Code *code = &reader->codes[number];
    forget(code);
    PyObject *function = read_string(reader);
    if (function == NULL) return -1;
    code->function = function;
    if (read_number(reader, &count)) return -1;
    if (count > reader->size) return wrong("code with too many names");
    code->names = PyMem_Calloc(count + 1, sizeof *code->names);
    if (code->names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; code->count < count; code->count++) {
        if ((code->names[code->count] = read_string(reader)) == NULL) return -1;
    }
    return 0;
}

static PyObject *read_change(Reader *reader, const Code *code)
{
    uint32_t index, length;
    if (read_number(reader, &index) || read_number(reader, &length)) return NULL;
    if (index >= code->count) {
        wrong("change of an unknown variable");
        return NULL;
    }
    PyObject *value = length ? read_text(reader, length - 1) : Py_NewRef(Py_None);
    PyObject *values[CHANGE_FIELDS] = {Py_NewRef(code->names[index]), value};
    return make(&reader->change, values, CHANGE_FIELDS);
}

static PyObject *read_changes(Reader *reader, const Code *code)
{
    uint32_t count;
    if (read_number(reader, &count)) return NULL;
    if (count > code->count) {
        wrong("event with more changes than variables");
        return NULL;
    }
    PyObject *changes = PyTuple_New(count);
    for (uint32_t i = 0; changes != NULL && i < count; i++) {
        PyObject *change = read_change(reader, code);
        if (change == NULL) Py_CLEAR(changes);
        else PyTuple_SET_ITEM(changes, i, change);
    }
    return changes;
}

static PyObject *read_event(Reader *reader, unsigned char tag)
{
    uint32_t number;
    PyObject *line = read_long(reader), *depth = line ? read_long(reader) : NULL;
    PyObject *frame = depth ? read_long(reader) : NULL, *function = NULL, *changes = NULL, *value = NULL;
    if (frame != NULL && read_number(reader, &number) == 0) {
        const Code *code = number < reader->code_slots ? &reader->codes[number] : NULL;
        if (code == NULL || code->function == NULL) wrong("event of undefined code");
        else if ((changes = read_changes(reader, code)) != NULL) function = Py_NewRef(code->function);
    }
    if (changes != NULL) value = strchr("rxy", tag) ? read_string(reader) : Py_NewRef(Py_None);
    PyObject *values[EVENT_FIELDS] = {Py_NewRef(reader->kinds[tag]), line, depth, frame, function, changes, value};
    return make(&reader->event, values, EVENT_FIELDS);
}

static int read_all(Reader *reader, PyObject *events)
{
    while (reader->at < reader->size) {
        unsigned char tag = reader->data[reader->at++];
        if (tag == 'D') {
            if (read_definition(reader)) return -1;
        } else if (tag == 'T') {
            return reader->at == reader->size ? 1 : wrong("trace records follow the truncation mark");
        } else if (reader->kinds[tag] == NULL) {
            return wrong("unknown trace record");
        } else {
            PyObject *event = read_event(reader, tag);
            if (event == NULL || PyList_Append(events, event)) {
                Py_XDECREF(event);
                return -1;
            }
            Py_DECREF(event);
        }
    }
    return 0;
}

static int find_kinds(Reader *reader, PyObject *letters)
{
    PyObject *kind, *letter;
    for (Py_ssize_t at = 0; PyDict_Next(letters, &at, &kind, &letter);) {
        long byte = PyLong_AsLong(letter);
        if (byte == -1 && PyErr_Occurred()) return -1;
        reader->kinds[byte & 0xFF] = kind;
    }
    return 0;
}

PyObject *reader_decode(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Reader reader = {0};
    Py_buffer records;
    PyObject *letters, *event_type, *change_type, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "y*O!OO", &records, &PyDict_Type, &letters, &event_type, &change_type)) {
        return NULL;
    }
    reader.data = records.buf;
    reader.size = (size_t)records.len;
    PyObject *events = PyList_New(0);
    if (events != NULL && find_kinds(&reader, letters) == 0 &&
        find_slots(&reader.event, event_type, event_fields, EVENT_FIELDS) == 0 &&
        find_slots(&reader.change, change_type, change_fields, CHANGE_FIELDS) == 0) {
        int truncated = read_all(&reader, events);
        if (truncated >= 0) result = Py_BuildValue("(NO)", PyList_AsTuple(events), truncated ? Py_True : Py_False);
    }
    Py_XDECREF(events);
    for (uint32_t i = 0; i < reader.code_slots; i++) forget(&reader.codes[i]);
    PyMem_Free(reader.codes);
    PyBuffer_Release(&records);
    return result;
}
