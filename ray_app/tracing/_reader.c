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

/* Records with notes: what `Reader` of ray_app/semantics/reader.py does, and refuses. */

typedef struct {
    PyObject *code; /* NULL: not defined */
    PyObject *names; /* a tuple, borrowed from the code */
} NotedCode;

typedef struct {
    Reader bytes;
    Record event, note, watched, changed, code;
    PyObject *kinds;     /* a tuple of 256 texts */
    const char *layouts; /* by byte, see `LAYOUTS` in ray_app/semantics/reader.py */
    PyObject *nothing;   /* an empty tuple */
    PyObject *no_text;
    NotedCode *codes;
    uint32_t code_slots;
    PyObject *watched_names; /* a tuple */
} NoteReader;

static const char *const noted_event_fields[EVENT_FIELDS] = {
    "kind", "line", "depth", "frame", "code", "changes", "value"};
static const char *const note_fields[EVENT_FIELDS] = {"kind", "node", "frame", "changes", "text", "texts", "truth"};
static const char *const changed_fields[3] = {"name", "text", "aliases"};
static const char *const watched_fields[1] = {"changes"};
static const char *const noted_code_fields[4] = {"function", "line", "names", "free"};

/* A number of things that follow, each of at least a byte. */
static int read_count(Reader *bytes, uint32_t *count)
{
    if (read_number(bytes, count)) return -1;
    return *count > bytes->size - bytes->at ? wrong("record claims more than it has") : 0;
}

static PyObject *read_texts(Reader *bytes)
{
    uint32_t count;
    if (read_count(bytes, &count)) return NULL;
    PyObject *texts = PyTuple_New(count);
    for (uint32_t i = 0; texts != NULL && i < count; i++) {
        PyObject *text = read_string(bytes);
        if (text == NULL) Py_CLEAR(texts);
        else PyTuple_SET_ITEM(texts, i, text);
    }
    return texts;
}

/* One of the names, or, behind them, one of the others (which may be NULL). */
static PyObject *read_name(Reader *bytes, PyObject *names, PyObject *others)
{
    uint32_t index;
    if (read_number(bytes, &index)) return NULL;
    Py_ssize_t own = PyTuple_GET_SIZE(names), more = others == NULL ? 0 : PyTuple_GET_SIZE(others);
    if (index < own) return Py_NewRef(PyTuple_GET_ITEM(names, index));
    if (index - own < more) return Py_NewRef(PyTuple_GET_ITEM(others, index - own));
    wrong("record names an unknown variable");
    return NULL;
}

static PyObject *read_optional_text(Reader *bytes)
{
    uint32_t length;
    if (read_number(bytes, &length)) return NULL;
    return length ? read_text(bytes, length - 1) : Py_NewRef(Py_None);
}

static PyObject *read_aliases(NoteReader *reader, PyObject *names)
{
    uint32_t count;
    if (read_count(&reader->bytes, &count)) return NULL;
    if (count == 0) return Py_NewRef(reader->nothing);
    PyObject *aliases = PyTuple_New(count);
    for (uint32_t i = 0; aliases != NULL && i < count; i++) {
        PyObject *name = read_name(&reader->bytes, names, reader->watched_names);
        if (name == NULL) Py_CLEAR(aliases);
        else PyTuple_SET_ITEM(aliases, i, name);
    }
    return aliases;
}

/* Changes of the named variables; with `aliased` each is followed by its aliases. */
static PyObject *read_changed(NoteReader *reader, PyObject *names, int aliased)
{
    uint32_t count;
    if (read_count(&reader->bytes, &count)) return NULL;
    if (count == 0) return Py_NewRef(reader->nothing);
    PyObject *changes = PyTuple_New(count);
    for (uint32_t i = 0; changes != NULL && i < count; i++) {
        PyObject *name = read_name(&reader->bytes, names, NULL);
        PyObject *text = name ? read_optional_text(&reader->bytes) : NULL;
        PyObject *aliases = NULL;
        if (text != NULL) aliases = aliased ? read_aliases(reader, names) : Py_NewRef(reader->nothing);
        PyObject *values[3] = {name, text, aliases};
        PyObject *change = make(&reader->changed, values, 3);
        if (change == NULL) Py_CLEAR(changes);
        else PyTuple_SET_ITEM(changes, i, change);
    }
    return changes;
}

static int read_noted_definition(NoteReader *reader)
{
    uint32_t serial, free = 0;
    if (read_number(&reader->bytes, &serial)) return -1;
    PyObject *function = read_string(&reader->bytes);
    PyObject *line = function ? read_long(&reader->bytes) : NULL;
    PyObject *captured = line && read_number(&reader->bytes, &free) == 0 ? PyLong_FromUnsignedLong(free) : NULL;
    PyObject *names = captured ? read_texts(&reader->bytes) : NULL;
    PyObject *values[4] = {function, line, names, captured};
    PyObject *code = make(&reader->code, values, 4);
    if (code == NULL) return -1;
    if (serial > reader->code_slots || free > PyTuple_GET_SIZE(names)) {
        Py_DECREF(code);
        return wrong("code is numbered out of turn, or captures too much");
    }
    if (serial == reader->code_slots) {
        NotedCode *grown = PyMem_Realloc(reader->codes, (serial + 1) * sizeof *grown);
        if (grown == NULL) {
            Py_DECREF(code);
            PyErr_NoMemory();
            return -1;
        }
        reader->codes = grown;
        reader->codes[reader->code_slots++].code = NULL;
    }
    Py_XDECREF(reader->codes[serial].code);
    reader->codes[serial] = (NotedCode){code, names};
    return 0;
}

static const NotedCode *read_code(NoteReader *reader)
{
    uint32_t serial;
    if (read_number(&reader->bytes, &serial)) return NULL;
    if (serial < reader->code_slots) return &reader->codes[serial];
    wrong("record of undefined code");
    return NULL;
}

static PyObject *read_noted_event(NoteReader *reader, unsigned char tag, char layout)
{
    PyObject *line = read_long(&reader->bytes), *depth = line ? read_long(&reader->bytes) : NULL;
    PyObject *frame = depth ? read_long(&reader->bytes) : NULL, *changes = NULL, *value = NULL, *code = NULL;
    const NotedCode *found = frame ? read_code(reader) : NULL;
    if (found != NULL && (changes = read_changed(reader, found->names, 1)) != NULL) code = Py_NewRef(found->code);
    if (code != NULL) value = layout == 'v' ? read_string(&reader->bytes) : Py_NewRef(Py_None);
    PyObject *values[EVENT_FIELDS] = {
        Py_NewRef(PyTuple_GET_ITEM(reader->kinds, tag)), line, depth, frame, code, changes, value};
    return make(&reader->event, values, EVENT_FIELDS);
}

static PyObject *read_note(NoteReader *reader, unsigned char tag, char layout)
{
    Reader *bytes = &reader->bytes;
    PyObject *node = read_long(bytes), *frame = node ? read_long(bytes) : NULL;
    PyObject *changes = Py_NewRef(Py_None), *text = Py_NewRef(reader->no_text);
    PyObject *texts = Py_NewRef(reader->nothing), *truth = Py_NewRef(Py_False);
    if (frame != NULL && (layout == 'c' || layout == 'h')) {
        const NotedCode *code = read_code(reader);
        Py_SETREF(changes, code ? read_changed(reader, code->names, 1) : NULL);
    }
    if (frame != NULL && changes != NULL && (layout == 'h' || layout == 't')) Py_SETREF(text, read_string(bytes));
    if (frame != NULL && layout == 's') Py_SETREF(texts, read_texts(bytes));
    if (frame != NULL && layout == 'b') {
        uint32_t number;
        Py_SETREF(truth, read_number(bytes, &number) ? NULL : PyBool_FromLong(number != 0));
    }
    PyObject *values[EVENT_FIELDS] = {
        Py_NewRef(PyTuple_GET_ITEM(reader->kinds, tag)), node, frame, changes, text, texts, truth};
    return make(&reader->note, values, EVENT_FIELDS);
}

static PyObject *read_watched(NoteReader *reader)
{
    PyObject *values[1] = {read_changed(reader, reader->watched_names, 0)};
    return make(&reader->watched, values, 1);
}

/* Reads one record, of which the tag was read; what makes an entry is appended. */
static int read_entry(NoteReader *reader, unsigned char tag, PyObject *entries)
{
    char layout = reader->layouts[tag];
    PyObject *entry = NULL;
    switch (layout) {
    case 'D': return read_noted_definition(reader);
    case 'A': {
        PyObject *names = read_texts(&reader->bytes);
        if (names != NULL) Py_SETREF(reader->watched_names, names);
        return names == NULL ? -1 : 0;
    }
    case 'G': entry = read_watched(reader); break;
    case 'e': case 'v': entry = read_noted_event(reader, tag, layout); break;
    case 'c': case 'h': case 't': case 'b': case 's': case 'n': entry = read_note(reader, tag, layout); break;
    default: return wrong("unknown record");
    }
    int failed = entry == NULL || PyList_Append(entries, entry);
    Py_XDECREF(entry);
    return failed ? -1 : 0;
}

static int read_entries(NoteReader *reader, PyObject *entries)
{
    while (reader->bytes.at < reader->bytes.size) {
        unsigned char tag = reader->bytes.data[reader->bytes.at++];
        if (tag == 'T') {
            return reader->bytes.at == reader->bytes.size ? 1 : wrong("records follow the truncation mark");
        }
        if (read_entry(reader, tag, entries)) return -1;
    }
    return 0;
}

PyObject *reader_decode_notes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    NoteReader reader = {0};
    Py_buffer records;
    Py_ssize_t layout_count;
    PyObject *event, *note, *watched, *changed, *code, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "y*O!y#OOOOO", &records, &PyTuple_Type, &reader.kinds, &reader.layouts,
                          &layout_count, &event, &note, &watched, &changed, &code)) {
        return NULL;
    }
    reader.bytes.data = records.buf;
    reader.bytes.size = (size_t)records.len;
    reader.nothing = PyTuple_New(0);
    reader.watched_names = PyTuple_New(0);
    reader.no_text = PyUnicode_FromString("");
    PyObject *entries = PyList_New(0);
    if (layout_count != 256 || PyTuple_GET_SIZE(reader.kinds) != 256) wrong("tables of another size");
    else if (entries != NULL && reader.nothing != NULL && reader.watched_names != NULL && reader.no_text != NULL &&
        find_slots(&reader.event, event, noted_event_fields, EVENT_FIELDS) == 0 &&
        find_slots(&reader.note, note, note_fields, EVENT_FIELDS) == 0 &&
        find_slots(&reader.watched, watched, watched_fields, 1) == 0 &&
        find_slots(&reader.changed, changed, changed_fields, 3) == 0 &&
        find_slots(&reader.code, code, noted_code_fields, 4) == 0) {
        int truncated = read_entries(&reader, entries);
        if (truncated >= 0) {
            result = Py_BuildValue("(NOO)", PyList_AsTuple(entries), reader.watched_names,
                                   truncated ? Py_True : Py_False);
        }
    }
    Py_XDECREF(entries);
    for (uint32_t i = 0; i < reader.code_slots; i++) Py_XDECREF(reader.codes[i].code);
    PyMem_Free(reader.codes);
    Py_XDECREF(reader.nothing);
    Py_XDECREF(reader.watched_names);
    Py_XDECREF(reader.no_text);
    PyBuffer_Release(&records);
    return result;
}
