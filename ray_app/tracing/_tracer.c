/* The recorder as a C extension, `_semray_tracer`: the same bytes as ray_app/tracing/python_recorder.py records, and with
   notes those of note_recorder.py.

   A C trace function is installed for the thread. It reads a frame's variables directly, never through `f_locals`, and
   calls no code of the program. What has been said about a frame hangs in its `f_trace`, so it dies with the frame and
   keeps nothing alive; of values it holds only constants (numbers, short strings), to see by pointer that they are
   unchanged. Python's own C headers for frames differ per version: 3.11 to 3.13 are supported. */

#define Py_BUILD_CORE 1
#include "_canonical.h"
#include "_tracer.h"

#include "internal/pycore_code.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "opcode.h"

#include <stdint.h>
#include <string.h>

#define VERSION 4 /* ray_app/tracing/wire.py: VERSION */
#define HEADER_BYTES 8
#define LONGEST_HELD_STRING 64

/* ---- growing bytes ---- */

typedef struct {
    char *data;
    size_t size, capacity;
} Bytes;

static int bytes_append(Bytes *bytes, const void *data, size_t size)
{
    if (size == 0) return 0;
    if (bytes->size + size > bytes->capacity) {
        size_t capacity = 2 * (bytes->size + size) + 64;
        char *grown = PyMem_RawRealloc(bytes->data, capacity);
        if (grown == NULL) return -1;
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

static int bytes_append_number(Bytes *bytes, uint64_t number)
{
    unsigned char encoded[10];
    size_t size = 0;
    while (number >= 0x80) {
        encoded[size++] = (unsigned char)(number & 0x7F) | 0x80;
        number >>= 7;
    }
    encoded[size++] = (unsigned char)number;
    return bytes_append(bytes, encoded, size);
}

static int bytes_append_text(Bytes *bytes, const Text *text)
{
    return bytes_append_number(bytes, (uint64_t)text->bytes) || bytes_append(bytes, text->data, (size_t)text->bytes);
}

static int bytes_append_unicode(Bytes *bytes, Text *scratch, PyObject *string)
{
    Text whole = *scratch;
    whole.bytes = whole.chars = 0;
    whole.limit = PY_SSIZE_T_MAX;
    Outcome outcome = text_append_unicode(&whole, string);
    int failed = outcome != WRITTEN || bytes_append_text(bytes, &whole);
    scratch->data = whole.data;
    scratch->capacity = whole.capacity;
    return failed;
}

/* ---- the run, code objects, frames ---- */

typedef struct {
    PyCodeObject *code; /* held */
    PyObject *bytecode; /* held; without specialisation and instrumentation */
    uint32_t serial;
    int names; /* 0 for class bodies, whose variables are in a dict */
    char *hidden;
} Code;

typedef struct {
    PyObject *constant; /* held: while the variable is this object, its text is the same */
    char *text;
    uint32_t size, capacity;
    char bound;
} Variable;

/* What a record watches beside the variables of frames: a name of the module, or an attribute of a class of its own. */
typedef struct {
    PyObject *name, *attribute; /* held; the attribute may be NULL */
    Variable variable;
} Watched;

static struct {
    int started, active;
    int notes; /* recorded with notes, and without lines */
    int whole; /* a whole program, whose module is a frame too */
    PyObject *space, *watched_names; /* held; the module's dict and a tuple, or NULL */
    Watched *watched;
    Py_ssize_t watched_count;
    uint64_t number; /* tells this run's frame states from an earlier run's */
    char *buffer;
    size_t size, used;
    PyObject *filename;
    Py_ssize_t value_chars;
    long long events_left;
    uint64_t frames;
    uint32_t depth;
    Code **codes; /* open addressing on the code object's address */
    size_t code_slots, code_count;
    Bytes record, changes;
    Text text;
} run;

typedef struct {
    PyObject_VAR_HEAD
    const PyFrameObject *frame; /* not held: only to recognise it */
    const Code *code;
    uint64_t run, serial;
    uint32_t depth;
    char last_kind;
    int raised_offset, raised_line; /* of the last exception until its line runs again; -1 */
    char has_raised;
    Text leaving; /* the exception that leaves the frame if one does now, see the Python recorder */
    Variable variables[1];
} FrameState;

static void state_dealloc(FrameState *state)
{
    for (Py_ssize_t i = 0; i < Py_SIZE(state); i++) {
        Py_XDECREF(state->variables[i].constant);
        PyMem_RawFree(state->variables[i].text);
    }
    text_free(&state->leaving);
    PyObject_Free(state);
}

static PyTypeObject FrameState_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_semray_tracer.FrameState",
    .tp_basicsize = offsetof(FrameState, variables),
    .tp_itemsize = sizeof(Variable),
    .tp_dealloc = (destructor)state_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static PyCodeObject *frame_code(PyFrameObject *frame) /* borrowed */
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyCodeObject *)frame->f_frame->f_executable;
#else
    return frame->f_frame->f_code;
#endif
}

static int is_recorded(PyCodeObject *code)
{
    if (code->co_filename != run.filename && PyUnicode_Compare(code->co_filename, run.filename) != 0) return 0;
    return run.whole || PyUnicode_CompareWithASCIIString(code->co_name, "<module>") != 0;
}

/* ---- writing records ---- */

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument);

static void commit(size_t used)
{
    run.used = used;
    __atomic_store_n((uint64_t *)run.buffer, (uint64_t)used, __ATOMIC_RELEASE);
}

static void install(Py_tracefunc function)
{
#if PY_VERSION_HEX < 0x030C0000
    /* What PyEval_SetTrace does, but without its audit event: a hook of the program's must not run, one of the sandbox's
       may forbid tracing to the program. */
    PyThreadState *thread = PyThreadState_Get();
    PyObject *old = thread->c_traceobj;
    thread->c_traceobj = NULL;
    thread->c_tracefunc = function;
    if (!thread->tracing) thread->cframe->use_tracing = function != NULL || thread->c_profilefunc != NULL ? 255 : 0;
    Py_XDECREF(old);
#else
    PyEval_SetTrace(function, NULL);
#endif
}

static void truncate_trace(void)
{
    if (!run.active) return;
    run.buffer[HEADER_BYTES + run.used] = 'T';
    commit(run.used + 1);
    run.active = 0;
#if PY_VERSION_HEX < 0x030C0000
    install(NULL);
#endif
}

/* Appends what is in run.record unless that would leave no byte for the truncation mark. */
static int append_record(void)
{
    if (HEADER_BYTES + run.used + run.record.size >= run.size) return -1;
    memcpy(run.buffer + HEADER_BYTES + run.used, run.record.data, run.record.size);
    commit(run.used + run.record.size);
    return 0;
}

static int append_definition(const Code *code)
{
    Bytes *record = &run.record;
    record->size = 0;
    if (bytes_append(record, "D", 1) || bytes_append_number(record, code->serial)) return -1;
    if (bytes_append_unicode(record, &run.text, code->code->co_qualname)) return -1;
    if (run.notes) {
        int free = code->names ? code->code->co_nfreevars : 0;
        if (bytes_append_number(record, (uint64_t)code->code->co_firstlineno)) return -1;
        if (bytes_append_number(record, (uint64_t)free)) return -1;
    }
    if (bytes_append_number(record, (uint64_t)code->names)) return -1;
    for (int i = 0; i < code->names; i++) {
        if (bytes_append_unicode(record, &run.text, PyTuple_GET_ITEM(code->code->co_localsplusnames, i))) return -1;
    }
    return append_record();
}

/* ---- code objects ---- */

static void free_code(Code *code)
{
    if (code == NULL) return;
    Py_XDECREF(code->code);
    Py_XDECREF(code->bytecode);
    PyMem_RawFree(code->hidden);
    PyMem_RawFree(code);
}

static Code **code_slot(Code **codes, size_t slots, const PyCodeObject *code)
{
    size_t at = ((uintptr_t)code >> 4) * 0x9E3779B97F4A7C15ULL >> 32 & (slots - 1);
    while (codes[at] != NULL && codes[at]->code != code) at = (at + 1) & (slots - 1);
    return &codes[at];
}

static int grow_codes(void)
{
    size_t slots = run.code_slots ? 2 * run.code_slots : 64;
    Code **codes = PyMem_RawCalloc(slots, sizeof *codes);
    if (codes == NULL) return -1;
    for (size_t i = 0; i < run.code_slots; i++) {
        if (run.codes[i] != NULL) *code_slot(codes, slots, run.codes[i]->code) = run.codes[i];
    }
    PyMem_RawFree(run.codes);
    run.codes = codes;
    run.code_slots = slots;
    return 0;
}

static int is_hidden(PyObject *name)
{
    if (PyUnicode_GET_LENGTH(name) > 0 && PyUnicode_READ_CHAR(name, 0) == '.') return 1;
    return PyUnicode_CompareWithASCIIString(name, "__class__") == 0 ||
           PyUnicode_CompareWithASCIIString(name, "__classdict__") == 0;
}

static Code *new_code(PyCodeObject *object)
{
    Code *code = PyMem_RawCalloc(1, sizeof *code);
    if (code == NULL) return NULL;
    code->code = (PyCodeObject *)Py_NewRef(object);
    code->serial = (uint32_t)run.code_count;
    code->names = object->co_flags & CO_OPTIMIZED ? object->co_nlocalsplus : 0;
    code->bytecode = PyCode_GetCode(object);
    code->hidden = PyMem_RawMalloc((size_t)code->names + 1);
    if (code->bytecode == NULL || code->hidden == NULL) {
        PyErr_Clear();
        free_code(code);
        return NULL;
    }
    for (int i = 0; i < code->names; i++) {
        code->hidden[i] = (char)is_hidden(PyTuple_GET_ITEM(object->co_localsplusnames, i));
    }
    return code;
}

static const Code *code_of(PyCodeObject *object)
{
    if (2 * run.code_count >= run.code_slots && grow_codes()) return NULL;
    Code **slot = code_slot(run.codes, run.code_slots, object);
    if (*slot == NULL) {
        Code *code = new_code(object);
        if (code == NULL) return NULL;
        *slot = code;
        run.code_count++;
        if (append_definition(code)) return NULL;
    }
    return *slot;
}

/* ---- frames ---- */

static FrameState *known_state(PyFrameObject *frame) /* borrowed */
{
    PyObject *found = frame->f_trace;
    if (found == NULL || !Py_IS_TYPE(found, &FrameState_Type)) return NULL;
    FrameState *state = (FrameState *)found;
    return state->frame == frame && state->run == run.number ? state : NULL;
}

static FrameState *new_state(PyFrameObject *frame, const Code *code) /* borrowed: the frame holds it */
{
    size_t size = offsetof(FrameState, variables) + sizeof(Variable) * (size_t)(code->names + 1);
    FrameState *state = PyObject_Malloc(size);
    if (state == NULL) return NULL;
    memset(state, 0, size);
    PyObject_InitVar((PyVarObject *)state, &FrameState_Type, code->names);
    state->frame = frame;
    state->code = code;
    state->run = run.number;
    state->serial = run.frames++;
    state->raised_offset = -1;
    state->leaving.limit = run.value_chars;
    Py_XSETREF(frame->f_trace, (PyObject *)state);
    return state;
}

/* ---- variables ---- */

static PyObject *variable_value(PyFrameObject *frame, const Code *code, int index) /* borrowed; NULL is unbound */
{
    PyObject *value = frame->f_frame->localsplus[index];
    const char *kinds = PyBytes_AS_STRING(code->code->co_localspluskinds);
    if (value != NULL && kinds[index] & (CO_FAST_CELL | CO_FAST_FREE) && PyCell_Check(value)) {
        value = PyCell_GET(value);
    }
    return value;
}

static PyObject *held_constant(PyObject *value)
{
    if (PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) > LONGEST_HELD_STRING) return NULL;
    if (PyBytes_CheckExact(value) && PyBytes_GET_SIZE(value) > LONGEST_HELD_STRING) return NULL;
    return canonical_is_constant(value) ? Py_NewRef(value) : NULL;
}

static int remember_text(Variable *variable, const Text *text)
{
    if (variable->capacity < (uint32_t)text->bytes) {
        uint32_t capacity = (uint32_t)text->bytes + (uint32_t)text->bytes / 4 + 8;
        char *grown = PyMem_RawRealloc(variable->text, capacity);
        if (grown == NULL) return -1;
        variable->text = grown;
        variable->capacity = capacity;
    }
    if (text->bytes) memcpy(variable->text, text->data, (size_t)text->bytes);
    variable->size = (uint32_t)text->bytes;
    variable->bound = 1;
    return 0;
}

/* Appends the variable's change to run.changes: 1 if there is one, 0 if not, -1 for failure. */
static int append_change(Variable *variable, int index, PyObject *value)
{
    if (value == NULL) {
        if (!variable->bound) return 0;
        variable->bound = 0;
        Py_CLEAR(variable->constant);
        return bytes_append_number(&run.changes, (uint64_t)index) || bytes_append_number(&run.changes, 0) ? -1 : 1;
    }
    if (value == variable->constant && variable->bound) return 0;
    if (canonical_write(&run.text, value) != WRITTEN) return -1;
    Py_XSETREF(variable->constant, held_constant(value));
    if (variable->bound && variable->size == (uint32_t)run.text.bytes &&
        memcmp(variable->text, run.text.data, variable->size) == 0) {
        return 0;
    }
    if (remember_text(variable, &run.text)) return -1;
    if (bytes_append_number(&run.changes, (uint64_t)index)) return -1;
    if (bytes_append_number(&run.changes, (uint64_t)run.text.bytes + 1)) return -1;
    return bytes_append(&run.changes, run.text.data, (size_t)run.text.bytes) ? -1 : 1;
}

/* ---- what is watched, and who shares an object ---- */

static PyObject *find_name(PyObject *dict, PyObject *name) /* borrowed; compares with no key that a program has made */
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    if (DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys)) return PyDict_GetItemWithError(dict, name);
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0) return value;
    }
    return NULL;
}

static PyObject *watched_value(const Watched *watched) /* borrowed; NULL is unbound */
{
    PyObject *value = find_name(run.space, watched->name);
    if (watched->attribute == NULL || value == NULL) return value;
    if (!PyType_Check(value) || !(((PyTypeObject *)value)->tp_flags & Py_TPFLAGS_HEAPTYPE)) return NULL;
    return find_name(((PyTypeObject *)value)->tp_dict, watched->attribute);
}

static void free_watched(void)
{
    for (Py_ssize_t i = 0; i < run.watched_count; i++) {
        Py_XDECREF(run.watched[i].name);
        Py_XDECREF(run.watched[i].attribute);
        Py_XDECREF(run.watched[i].variable.constant);
        PyMem_RawFree(run.watched[i].variable.text);
    }
    PyMem_RawFree(run.watched);
    run.watched = NULL;
    run.watched_count = 0;
    Py_CLEAR(run.space);
    Py_CLEAR(run.watched_names);
}

/* "name" or "Cls.attr", into its parts. */
static int split_watched(Watched *watched, PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name), dot = PyUnicode_FindChar(name, '.', 0, length, 1);
    watched->name = dot < 0 ? Py_NewRef(name) : PyUnicode_Substring(name, 0, dot);
    if (dot >= 0) watched->attribute = PyUnicode_Substring(name, dot + 1, length);
    return watched->name == NULL || (dot >= 0 && watched->attribute == NULL) ? -1 : 0;
}

void tracer_watch(PyObject *space, PyObject *names)
{
    free_watched();
    run.notes = names != NULL;
    if (names == NULL) return;
    run.space = Py_NewRef(space);
    run.watched_names = Py_NewRef(names);
    run.watched = PyMem_RawCalloc((size_t)PyTuple_GET_SIZE(names) + 1, sizeof *run.watched);
    if (run.watched == NULL) return;
    for (; run.watched_count < PyTuple_GET_SIZE(names); run.watched_count++) {
        if (split_watched(&run.watched[run.watched_count], PyTuple_GET_ITEM(names, run.watched_count)) == 0) continue;
        PyErr_Clear();
        return;
    }
}

static int append_watched_names(void)
{
    run.record.size = 0;
    if (run.watched_count == 0) return 0;
    if (bytes_append(&run.record, "A", 1) || bytes_append_number(&run.record, (uint64_t)run.watched_count)) return -1;
    for (Py_ssize_t i = 0; i < run.watched_count; i++) {
        if (bytes_append_unicode(&run.record, &run.text, PyTuple_GET_ITEM(run.watched_names, i))) return -1;
    }
    return append_record();
}

/* Appends what is watched and has changed. */
static int append_watched(void)
{
    int count = 0;
    run.changes.size = 0;
    for (Py_ssize_t i = 0; i < run.watched_count; i++) {
        int changed = append_change(&run.watched[i].variable, (int)i, watched_value(&run.watched[i]));
        if (changed < 0) return -1;
        count += changed;
    }
    if (count == 0) return 0;
    run.record.size = 0;
    if (bytes_append(&run.record, "G", 1) || bytes_append_number(&run.record, (uint64_t)count)) return -1;
    return bytes_append(&run.record, run.changes.data, run.changes.size) || append_record() ? -1 : 0;
}

/* Whether it matters that two names share the object: see note_recorder.py, `_ALONE`. */
static int may_be_shared(PyObject *value)
{
    return !(PyLong_Check(value) || PyUnicode_Check(value) || PyFloat_Check(value) || value == Py_None ||
             PyTuple_Check(value) || PyBytes_Check(value) || PyComplex_Check(value) || value == Py_Ellipsis ||
             value == Py_NotImplemented || PyFrozenSet_Check(value) || PyRange_Check(value) || PySlice_Check(value) ||
             PyType_Check(value) || PyModule_Check(value) || PyFunction_Check(value) || PyCFunction_Check(value) ||
             PyMethod_Check(value) || PyGen_Check(value) || PyCoro_CheckExact(value) || PyAsyncGen_CheckExact(value));
}

/* Appends the names that hold the very object that a variable of the frame holds. */
static int append_aliases(const FrameState *state, PyFrameObject *frame, int index, PyObject *value)
{
    const Code *code = state->code;
    uint64_t count = 0;
    if (value == NULL || !may_be_shared(value)) return bytes_append_number(&run.changes, 0);
    for (int appends = 0; appends < 2; appends++) {
        if (appends && bytes_append_number(&run.changes, count)) return -1;
        for (int i = 0; i < code->names + (int)run.watched_count; i++) {
            int is_own = i < code->names;
            if (i == index || (is_own && code->hidden[i])) continue;
            PyObject *held = is_own ? variable_value(frame, code, i) : watched_value(&run.watched[i - code->names]);
            if (held != value) continue;
            if (!appends) count++;
            else if (bytes_append_number(&run.changes, (uint64_t)i)) return -1;
        }
    }
    return 0;
}

/* Fills run.changes with what differs from the frame's previous event; how many variables do, or -1. */
static int collect_changes(FrameState *state, PyFrameObject *frame)
{
    int count = 0;
    run.changes.size = 0;
    for (int i = 0; i < state->code->names; i++) {
        if (state->code->hidden[i]) continue;
        PyObject *value = variable_value(frame, state->code, i);
        int changed = append_change(&state->variables[i], i, value);
        if (changed < 0 || (changed && run.notes && append_aliases(state, frame, i, value))) return -1;
        count += changed;
    }
    return count;
}

/* ---- events ---- */

/* Writes an event; `value` is the text that follows it, or NULL for kinds without one. */
static int write_event(FrameState *state, PyFrameObject *frame, char kind, const Text *value, int count)
{
    Bytes *record = &run.record;
    record->size = 0;
    if (bytes_append(record, &kind, 1) || bytes_append_number(record, (uint64_t)PyFrame_GetLineNumber(frame))) return -1;
    if (bytes_append_number(record, state->depth) || bytes_append_number(record, state->serial)) return -1;
    if (bytes_append_number(record, state->code->serial) || bytes_append_number(record, (uint64_t)count)) return -1;
    if (bytes_append(record, run.changes.data, run.changes.size)) return -1;
    if (value != NULL && bytes_append_text(record, value)) return -1;
    return append_record();
}

/* Records an event with the frame's changes; `value` is written canonically, `text` is used as it is. */
static int record_event(FrameState *state, PyFrameObject *frame, char kind, PyObject *value, const Text *text)
{
    state->last_kind = kind;
    if (run.notes && append_watched()) return -1;
    if (run.events_left-- <= 0) return -1;
    int count = collect_changes(state, frame);
    if (count < 0) return -1;
    if (value != NULL) {
        if (canonical_write(&run.text, value) != WRITTEN) return -1;
        text = &run.text;
    }
    return write_event(state, frame, kind, text, count);
}

static int opcode_at(const FrameState *state, int offset)
{
    PyObject *bytecode = state->code->bytecode;
    return offset >= 0 && offset < PyBytes_GET_SIZE(bytecode) ? (unsigned char)PyBytes_AS_STRING(bytecode)[offset] : -1;
}

/* Whether the frame stands at a `yield` or `await`, or behind it, where Python 3.13 leaves and enters. */
static int is_at_yield(const FrameState *state, int offset)
{
    int opcode = opcode_at(state, offset);
    return opcode == YIELD_VALUE || (opcode == RESUME && (opcode_at(state, offset + 1) & 3) != 0);
}

static int on_call(PyFrameObject *frame)
{
    PyCodeObject *object = frame_code(frame);
    if (!is_recorded(object)) return 0;
    FrameState *state = known_state(frame);
    if (state == NULL) {
        const Code *code = code_of(object);
        if (code == NULL || (state = new_state(frame, code)) == NULL) return -1;
    }
    if (run.notes) frame->f_trace_lines = 0;
    state->depth = run.depth++;
    return record_event(state, frame, is_at_yield(state, PyFrame_GetLasti(frame)) ? 's' : 'c', NULL, NULL);
}

/* The text of the exception that is being handled; empty if none is. */
static int describe_handled(Text *text)
{
    PyObject *handled = PyErr_GetHandledException();
    text->bytes = text->chars = 0;
    int failed = handled != NULL && canonical_write_exception(text, handled) != WRITTEN;
    Py_XDECREF(handled);
    return failed;
}

static int on_line(FrameState *state, PyFrameObject *frame)
{
    if (run.notes) return 0;
    if (state->has_raised) {
        if (PyFrame_GetLineNumber(frame) == state->raised_line) state->raised_offset = -1;
        if (describe_handled(&state->leaving)) return -1;
    }
    return record_event(state, frame, 'l', NULL, NULL);
}

/* Whether a loop or a `yield from` takes the exception for the end of what it iterates. */
static int is_swallowed(const FrameState *state, PyFrameObject *frame, PyObject *error)
{
    int opcode = opcode_at(state, PyFrame_GetLasti(frame));
    return error != NULL && (PyObject *)Py_TYPE(error) == PyExc_StopIteration && (opcode == FOR_ITER || opcode == SEND);
}

static int on_exception(FrameState *state, PyFrameObject *frame, PyObject *argument)
{
    PyObject *error = PyTuple_Check(argument) && PyTuple_GET_SIZE(argument) > 1 ? PyTuple_GET_ITEM(argument, 1) : NULL;
    if (run.notes && is_swallowed(state, frame, error)) return 0;
    state->has_raised = 1;
    state->raised_offset = PyFrame_GetLasti(frame);
    state->raised_line = PyFrame_GetLineNumber(frame);
    state->leaving.bytes = state->leaving.chars = 0;
    if (error != NULL && PyExceptionInstance_Check(error) && canonical_write_exception(&state->leaving, error)) return -1;
    return record_event(state, frame, 'x', NULL, &state->leaving);
}

static int is_return(int opcode)
{
#ifdef RETURN_CONST
    if (opcode == RETURN_CONST) return 1;
#endif
    return opcode == RETURN_VALUE;
}

static int on_leave(FrameState *state, PyFrameObject *frame, PyObject *argument)
{
    run.depth = state->depth;
    int offset = PyFrame_GetLasti(frame);
    if (argument != NULL && is_return(opcode_at(state, offset))) return record_event(state, frame, 'r', argument, NULL);
    /* A frame at a `yield` may also be leaving through an exception that was thrown in there. */
    int thrown = argument == NULL || (argument == Py_None && state->raised_offset == offset);
    if (is_at_yield(state, offset) && !thrown) return record_event(state, frame, 'y', argument, NULL);
    if (state->last_kind == 'x' && !run.notes) return 0;
    if (state->leaving.bytes == 0 && describe_handled(&state->leaving)) return -1;
    return record_event(state, frame, run.notes ? 'z' : 'x', NULL, &state->leaving);
}

static int dispatch(PyFrameObject *frame, int what, PyObject *argument)
{
    if (what == PyTrace_CALL) return on_call(frame);
    FrameState *state = known_state(frame);
    if (state == NULL) return 0;
    if (what == PyTrace_LINE) return on_line(state, frame);
    if (what == PyTrace_EXCEPTION) return on_exception(state, frame, argument);
    return what == PyTrace_RETURN ? on_leave(state, frame, argument) : 0;
}

static int on_event(PyObject *Py_UNUSED(self), PyFrameObject *frame, int what, PyObject *argument)
{
    if (!run.active) return 0;
    int collects = PyGC_Disable(); /* a collection could run the program's finalizers here */
    if (dispatch(frame, what, argument)) {
        PyErr_Clear();
        truncate_trace();
    }
    if (collects) PyGC_Enable();
    return 0;
}

/* ---- notes ---- */

typedef struct {
    PyObject_HEAD
    char kind;
    uint32_t node;
    uint32_t left;  /* of a question: how often it is still passed by */
    PyObject *next; /* held: what the note of a lambda returns */
} Note;

static PyTypeObject Note_Type;

static void note_dealloc(Note *note)
{
    Py_XDECREF(note->next);
    PyObject_Free(note);
}

static PyFrameObject *running_frame(void) /* borrowed; NULL where the frame is none that is traced */
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030D0000
    struct _PyInterpreterFrame *frame = thread->current_frame;
#else
    struct _PyInterpreterFrame *frame = thread->cframe->current_frame;
#endif
    return frame ? frame->frame_obj : NULL;
}

static int begin_note(char kind, uint32_t node, const FrameState *state)
{
    run.record.size = 0;
    if (run.events_left-- <= 0) return -1;
    if (bytes_append(&run.record, &kind, 1) || bytes_append_number(&run.record, node)) return -1;
    return bytes_append_number(&run.record, state->serial) ? -1 : 0;
}

/* A note with the changes of the frame's variables; of a handler and a `finally` also what is handled. */
static int write_state_note(const Note *note, FrameState *state, PyFrameObject *frame)
{
    state->raised_offset = -1;
    if (state->has_raised && describe_handled(&state->leaving)) return -1;
    if (append_watched()) return -1;
    int count = collect_changes(state, frame);
    if (count < 0 || begin_note(note->kind, note->node, state)) return -1;
    if (bytes_append_number(&run.record, state->code->serial) || bytes_append_number(&run.record, (uint64_t)count)) {
        return -1;
    }
    if (bytes_append(&run.record, run.changes.data, run.changes.size)) return -1;
    if (note->kind == 'H' || note->kind == 'F') {
        if (describe_handled(&run.text) || bytes_append_text(&run.record, &run.text)) return -1;
    }
    return append_record();
}

static int write_value_note(char kind, uint32_t node, const FrameState *state, PyObject *value)
{
    if (canonical_write(&run.text, value) != WRITTEN) return -1;
    if (begin_note(kind, node, state) || bytes_append_text(&run.record, &run.text)) return -1;
    return append_record();
}

static int write_targets_note(const Note *note, const FrameState *state, PyObject *targets)
{
    if (begin_note('K', note->node, state)) return -1;
    if (bytes_append_number(&run.record, (uint64_t)PyTuple_GET_SIZE(targets))) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(targets); i++) {
        if (canonical_write(&run.text, PyTuple_GET_ITEM(targets, i)) != WRITTEN) return -1;
        if (bytes_append_text(&run.record, &run.text)) return -1;
    }
    return append_record();
}

static int write_note(const Note *note, FrameState *state, PyFrameObject *frame, PyObject *value)
{
    switch (note->kind) {
    case 'V':
    case 'R': return write_value_note(note->kind, note->node, state, value);
    case 'B': return write_value_note('V', note->node, state, value);
    case 'K': return PyTuple_CheckExact(value) ? write_targets_note(note, state, value) : -1;
    case 'Q':
    case 'L': return begin_note(note->kind, note->node, state) || append_record() ? -1 : 0;
    default: return write_state_note(note, state, frame);
    }
}

static int write_truth(const Note *note, const FrameState *state, int truth)
{
    if (begin_note('B', note->node, state) || bytes_append_number(&run.record, (uint64_t)truth)) return -1;
    return append_record();
}

/* The state of the frame that evaluates a note, borrowed; NULL where nothing is recorded of it. */
static FrameState *noted_state(PyFrameObject **frame)
{
    if (!run.active || !run.notes || (*frame = running_frame()) == NULL) return NULL;
    return known_state(*frame);
}

/* Asks for the truth of a condition: the only moment at which a note runs the program's code, after its own record. */
static PyObject *ask_truth(const Note *note, PyObject *value)
{
    PyFrameObject *frame;
    int truth = PyObject_IsTrue(value);
    if (truth < 0) return NULL;
    FrameState *state = noted_state(&frame);
    if (state != NULL && write_truth(note, state, truth)) truncate_trace();
    return PyBool_FromLong(truth);
}

/* `note @ value` */
static PyObject *note_made(PyObject *left, PyObject *value)
{
    if (!Py_IS_TYPE(left, &Note_Type)) Py_RETURN_NOTIMPLEMENTED;
    Note *note = (Note *)left;
    PyFrameObject *frame;
    FrameState *state = noted_state(&frame);
    int is_time = state != NULL && note->kind == 'Q' && --note->left == 0;
    if (state != NULL && (note->kind != 'Q' || is_time)) {
        int collects = PyGC_Disable(); /* a collection could run the program's finalizers here */
        state->last_kind = note->kind;
        if (write_note(note, state, frame, value)) {
            PyErr_Clear();
            truncate_trace();
        }
        if (collects) PyGC_Enable();
    }
    switch (note->kind) {
    case 'V': return Py_NewRef(value);
    case 'B': return ask_truth(note, value);
    case 'L': return Py_NewRef(note->next);
    case 'Q': return PyBool_FromLong(is_time);
    case 'K':
    case 'R':
    case 'M':
    case 'W': Py_RETURN_TRUE;
    default: Py_RETURN_NONE;
    }
}

static PyNumberMethods note_numbers = {.nb_matrix_multiply = note_made};

static PyTypeObject Note_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_semray_tracer.Note",
    .tp_basicsize = sizeof(Note),
    .tp_dealloc = (destructor)note_dealloc,
    .tp_as_number = &note_numbers,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static Note *new_note(char kind, unsigned long node)
{
    Note *note = PyObject_New(Note, &Note_Type);
    if (note == NULL) return NULL;
    note->kind = kind;
    note->node = (uint32_t)node;
    note->left = 0;
    note->next = NULL;
    return note;
}

/* The note that a constant of the instrumenter stands for: a kind, a node, and behind a "," a lambda's body, or how often
   a question's place is reached when it is asked. */
static PyObject *note_of(const char *text)
{
    char *rest;
    Note *note = new_note(text[0], strtoul(text + 1, &rest, 10));
    if (note != NULL && text[0] == 'Q' && *rest == ',') note->left = (uint32_t)strtoul(rest + 1, NULL, 10);
    if (note != NULL && text[0] == 'L' && *rest == ',') {
        note->next = (PyObject *)new_note('V', strtoul(rest + 1, NULL, 10));
        if (note->next == NULL) Py_CLEAR(note);
    }
    return (PyObject *)note;
}

int tracer_place_notes(PyCodeObject *code, const char *prefix)
{
    size_t length = strlen(prefix);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant)) {
            if (tracer_place_notes((PyCodeObject *)constant, prefix)) return -1;
        } else if (PyUnicode_CheckExact(constant) && PyUnicode_IS_COMPACT_ASCII(constant)) {
            const char *text = (const char *)PyUnicode_1BYTE_DATA(constant);
            if (strncmp(text, prefix, length) != 0) continue;
            PyObject *note = note_of(text + length);
            if (note == NULL) return -1;
            /* Code alone holds its constants, and nobody has seen these yet. */
            PyTuple_SET_ITEM(code->co_consts, i, note);
            Py_DECREF(constant);
        }
    }
    return 0;
}

int tracer_prepare(void)
{
    return PyType_Ready(&FrameState_Type) < 0 || PyType_Ready(&Note_Type) < 0 ? -1 : 0;
}

/* ---- starting and stopping ---- */

/* A cap as a text's limit: not negative, and far from where sums overflow. */
static Py_ssize_t text_limit(Py_ssize_t max_chars)
{
    const Py_ssize_t most = (Py_ssize_t)1 << 40;
    return max_chars < 0 ? 0 : max_chars > most ? most : max_chars;
}

void tracer_start(char *buffer, size_t size, PyObject *filename, Py_ssize_t value_chars, long long max_events)
{
    run.buffer = buffer;
    run.size = size;
    run.filename = Py_NewRef(filename);
    run.text.limit = run.value_chars = text_limit(value_chars);
    run.events_left = max_events;
    run.frames = run.depth = 0;
    run.whole = PyUnicode_CompareWithASCIIString(filename, SCRIPT_FILENAME) == 0;
    run.started = run.active = 1;
    run.number++;
    commit(0);
    install(on_event);
    if (run.notes && append_watched_names()) truncate_trace();
}

void tracer_stop(void)
{
    if (!run.started) return;
    if (PyThreadState_Get()->c_tracefunc != on_event) truncate_trace(); /* switched off: what follows is missing */
    run.active = run.started = 0;
    install(NULL);
    for (size_t i = 0; i < run.code_slots; i++) free_code(run.codes[i]);
    PyMem_RawFree(run.codes);
    run.codes = NULL;
    run.code_slots = run.code_count = 0;
    Py_CLEAR(run.filename);
    tracer_watch(NULL, NULL);
}

/* ---- the module ---- */

static Py_buffer view;

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"buffer", "filename", "value_chars", "max_events", NULL};
    PyObject *buffer, *filename;
    Py_ssize_t value_chars;
    long long max_events;
    if (!PyArg_ParseTupleAndKeywords(
            arguments, keywords, "OU$nL", names, &buffer, &filename, &value_chars, &max_events)) {
        return NULL;
    }
    if (run.started) {
        PyErr_SetString(PyExc_RuntimeError, "the recorder is already running");
        return NULL;
    }
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) return NULL;
    if (view.len < 2 * HEADER_BYTES || (uintptr_t)view.buf % HEADER_BYTES != 0) {
        PyErr_Format(PyExc_ValueError, "a trace buffer of %zd bytes is too small, or not 8-byte aligned", view.len);
        PyBuffer_Release(&view);
        return NULL;
    }
    tracer_start(view.buf, (size_t)view.len, filename, value_chars, max_events);
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    if (!run.started) Py_RETURN_NONE;
    tracer_stop();
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *watch(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *space, *names;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyDict_Type, &space, &PyTuple_Type, &names)) return NULL;
    tracer_watch(space, names);
    Py_RETURN_NONE;
}

static PyObject *place_notes(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *code;
    const char *prefix;
    if (!PyArg_ParseTuple(arguments, "O!s", &PyCode_Type, &code, &prefix)) return NULL;
    return tracer_place_notes((PyCodeObject *)code, prefix) ? NULL : Py_NewRef(code);
}

static PyObject *text_result(Outcome (*write)(Text *, PyObject *), PyObject *value, Py_ssize_t max_chars)
{
    Text text = {.limit = text_limit(max_chars)};
    int collects = PyGC_Disable();
    Outcome outcome = write(&text, value);
    if (collects) PyGC_Enable();
    PyObject *result = outcome == WRITTEN ? PyUnicode_DecodeUTF8(text.data, text.bytes, "strict") : PyErr_NoMemory();
    text_free(&text);
    return result;
}

static PyObject *canonical(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"value", "max_chars", NULL};
    PyObject *value;
    Py_ssize_t max_chars = 512;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|n", names, &value, &max_chars)) return NULL;
    return text_result(canonical_write, value, max_chars);
}

static PyObject *describe_exception(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"error", "max_chars", NULL};
    PyObject *error;
    Py_ssize_t max_chars = 512;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|n", names, &error, &max_chars)) return NULL;
    if (!PyExceptionInstance_Check(error)) return PyErr_Format(PyExc_TypeError, "describe_exception takes an exception");
    return text_result(canonical_write_exception, error, max_chars);
}

static PyMethodDef methods[] = {
    {"start", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS, "See ray_app.tracing.recorder."},
    {"stop", stop, METH_NOARGS, "See ray_app.tracing.recorder."},
    {"canonical", (PyCFunction)(void (*)(void))canonical, METH_VARARGS | METH_KEYWORDS,
     "See ray_app.tracing.canonical."},
    {"describe_exception", (PyCFunction)(void (*)(void))describe_exception, METH_VARARGS | METH_KEYWORDS,
     "See ray_app.tracing.canonical."},
    {"watch", watch, METH_VARARGS, "watch(space, names): the next record is one with notes; see note_recorder."},
    {"place_notes", place_notes, METH_VARARGS, "place_notes(code, prefix) -> the code, with notes for constants"},
    {"decode", reader_decode, METH_VARARGS, "See ray_app.tracing.reader."},
    {"decode_notes", reader_decode_notes, METH_VARARGS, "See ray_app.semantics.reader."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_semray_tracer",
    .m_doc = "Records a thread's trace into shared memory.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__semray_tracer(void)
{
    if (tracer_prepare() < 0 || canonical_prepare() < 0) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0) return NULL;
    return module;
}
