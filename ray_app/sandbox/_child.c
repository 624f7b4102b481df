/* Trusted code that runs in the child, around the programs: what ray_app/sandbox/child.py does, at a third of the cost.

   A fork is cheap while few pages are written afterwards, so what can be made before the fork is made there, and no
   Python code of ours runs in the child. A program finds no trusted frame: the thread's frame chain is cut before its
   first line. Nothing of a program's is ever released here, as that could run its code at a moment of ours. */

#define Py_BUILD_CORE 1
#include "_child.h"

#include "_canonical.h"
#include "_tracer.h"

#include "internal/pycore_frame.h"
#include "marshal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TRACE_HEADER_BYTES 8
#define ALIGNMENT 8
#define NO_TEXT 0xFFFFFFFFu
#define BALLAST_BYTES ((size_t)1 << 20)
#define STREAM_SETS 64
#define MAX_NOTES 16
#define MAX_NOTE_CHARS 200
#define EXCEPTION_CHARS 2000
#define SCRIPT_CHARS 8000000

enum { OK, EXCEPTION, SYSTEM_EXIT, MEMORY, COMPILE_ERROR, TRUNCATED, TAMPERED, NOT_SHARED }; /* protocol.py */

typedef struct {
    PyObject *raw, *streams[3]; /* stdout, stderr, stdin; raw is what stdout writes to */
} Streams;

typedef struct {
    Py_ssize_t stdout_chars, output_chars, value_chars;
    long long trace_events;
    int traced; /* NOT_TRACED ... */
} Caps;

typedef struct {
    const char *data;
    size_t size;
} Part;

typedef struct {
    PyObject *module, *call; /* code objects, or the str that says what is wrong with the source */
    PyObject *source, *script; /* of a whole program, what `begin` takes (ray_app/sandbox/scripts.py); else NULL */
    PyObject *watched;       /* names that a record watches; NULL where none is made */
    int excluded, is_last;   /* the program may not share this child; the call is its last one */
} Compiled;

static struct {
    char *slot;
    size_t slot_bytes, position; /* of the next record */
    int is_shared; /* by several programs */
    PyObject *begin, *finish, *refuse; /* ray_app/sandbox/world/script.py; NULL in the lean tier */
    PyObject *instrument; /* (source, file name, prefix of notes) -> (code, watched names) */
    char note_prefix[40];
    PyObject *compile, *exec, *eval, *screen, *freeze, *bytes_io, *text_io, *getvalue;
    PyObject *interpreter, *modules; /* sys.__dict__, sys.modules */
    PyObject *filename, *call_filename, *script_filename, *module_name, *main_name, *exec_mode, *eval_mode, *zero;
    PyObject *modules_key, *hook_key, *stream_keys[6], *stream_options[3];
    Streams streams[STREAM_SETS];
    int recursion_limit, streams_used;
} child;

/* ---- the audit hook: notes what is refused, ends what reaches into the interpreter ---- */

static struct {
    int armed;
    uint64_t settraces;
    char **forbidden, **observed, **harmless; /* ended by NULL */
    char notes[MAX_NOTES][MAX_NOTE_CHARS + 1];
    int count;
} audit;

static int is_among(const char *event, char *const *names)
{
    for (; *names; names++) {
        if (strcmp(event, *names) == 0) return 1;
    }
    return 0;
}

static int begins_with_any(const char *event, char *const *prefixes)
{
    for (; *prefixes; prefixes++) {
        if (strncmp(event, *prefixes, strlen(*prefixes)) == 0) return 1;
    }
    return 0;
}

static void note(const char *what, const char *name)
{
    if (audit.count == MAX_NOTES) return;
    char *text = audit.notes[audit.count++];
    int length = snprintf(text, MAX_NOTE_CHARS + 1, "denied:%s%s", what, name);
    if (length <= MAX_NOTE_CHARS) return;
    char *end = text + MAX_NOTE_CHARS;
    while ((end[-1] & 0xC0) == 0x80) end--; /* what is left of a character that was cut */
    end[-1 + ((end[-1] & 0x80) == 0)] = 0;
}

static void note_import(PyObject *arguments)
{
    PyObject *type, *error, *traceback, *name = PyTuple_GET_SIZE(arguments) ? PyTuple_GET_ITEM(arguments, 0) : NULL;
    PyErr_Fetch(&type, &error, &traceback);
    const char *text = name && PyUnicode_CheckExact(name) ? PyUnicode_AsUTF8(name) : NULL;
    note(text ? "import " : "import", text ? text : "");
    PyErr_Restore(type, error, traceback);
}

static int on_audit(const char *event, PyObject *arguments, void *Py_UNUSED(data))
{
    if (!audit.armed) return 0;
    if (strcmp(event, "sys.settrace") == 0) {
        audit.settraces++;
    } else if (is_among(event, audit.forbidden) || strncmp(event, "ctypes.", 7) == 0) {
        _exit(EXIT_TAMPERED);
    } else if (strcmp(event, "import") == 0) {
        note_import(arguments);
    } else if (strcmp(event, "open") == 0 ||
               (begins_with_any(event, audit.observed) && !is_among(event, audit.harmless))) {
        note(event, "");
    }
    return 0;
}

static char **copy_names(PyObject *sequence)
{
    PyObject *names = PySequence_Fast(sequence, "names of audit events");
    if (names == NULL) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(names);
    char **copied = calloc((size_t)count + 1, sizeof *copied);
    for (Py_ssize_t i = 0; copied && i < count; i++) {
        const char *text = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(names, i));
        if (text == NULL || (copied[i] = strdup(text)) == NULL) copied = NULL;
    }
    Py_DECREF(names);
    return copied;
}

/* ---- memory: programs that share a child share its limit too, so one that meets it is to run alone ---- */

static struct {
    PyMemAllocatorEx raw;
    PyObjectArenaAllocator arenas;
    int refused;
} memory;

static void *noted(void *allocated)
{
    memory.refused |= allocated == NULL;
    return allocated;
}

static void *allocate(void *Py_UNUSED(context), size_t size)
{
    return noted(memory.raw.malloc(memory.raw.ctx, size));
}

static void *allocate_zeroed(void *Py_UNUSED(context), size_t count, size_t size)
{
    return noted(memory.raw.calloc(memory.raw.ctx, count, size));
}

static void *reallocate(void *Py_UNUSED(context), void *old, size_t size)
{
    return noted(memory.raw.realloc(memory.raw.ctx, old, size));
}

static void *allocate_arena(void *Py_UNUSED(context), size_t size)
{
    return noted(memory.arenas.alloc(memory.arenas.ctx, size));
}

static void watch_memory(void)
{
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &memory.raw);
    PyObject_GetArenaAllocator(&memory.arenas);
    PyMemAllocatorEx raw = {memory.raw.ctx, allocate, allocate_zeroed, reallocate, memory.raw.free};
    PyObjectArenaAllocator arenas = {memory.arenas.ctx, allocate_arena, memory.arenas.free};
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyObject_SetArenaAllocator(&arenas);
}

/* ---- before the fork ---- */

static PyObject *attribute_of(const char *module, const char *name)
{
    PyObject *found = PyImport_ImportModule(module);
    PyObject *attribute = found ? PyObject_GetAttrString(found, name) : NULL;
    Py_XDECREF(found);
    return attribute;
}

static int make_streams(Streams *made)
{
    for (int i = 0; i < 3; i++) {
        PyObject *raw = PyObject_CallNoArgs(child.bytes_io);
        PyObject *positional = raw ? PyTuple_Pack(1, raw) : NULL;
        made->streams[i] = positional ? PyObject_Call(child.text_io, positional, child.stream_options[i]) : NULL;
        Py_XDECREF(positional);
        if (made->streams[i] == NULL) return -1;
        if (i == 0) made->raw = raw;
    }
    return 0;
}

static int prepare_names(void)
{
    static const char *const keys[6] = {"stdout", "stderr", "stdin", "__stdout__", "__stderr__", "__stdin__"};
    for (int i = 0; i < 6; i++) {
        if ((child.stream_keys[i] = PyUnicode_InternFromString(keys[i])) == NULL) return -1;
    }
    child.stream_options[0] = Py_BuildValue("{s:s,s:O}", "encoding", "utf-8", "write_through", Py_True);
    child.stream_options[1] = Py_BuildValue("{s:s,s:s}", "encoding", "utf-8", "errors", "backslashreplace");
    child.stream_options[2] = Py_BuildValue("{s:s}", "encoding", "utf-8");
    child.filename = PyUnicode_InternFromString("<program>");
    child.call_filename = PyUnicode_InternFromString("<call>");
    child.module_name = PyUnicode_InternFromString("program");
    child.script_filename = PyUnicode_InternFromString(SCRIPT_FILENAME);
    child.main_name = PyUnicode_InternFromString("__main__");
    child.exec_mode = PyUnicode_InternFromString("exec");
    child.eval_mode = PyUnicode_InternFromString("eval");
    child.zero = PyLong_FromLong(0);
    child.modules_key = PyUnicode_InternFromString("modules");
    child.hook_key = PyUnicode_InternFromString("unraisablehook");
    return PyErr_Occurred() ? -1 : 0;
}

/* What the constants that become notes begin with: no program can have such a constant of its own. */
static int make_note_prefix(void)
{
    unsigned char secret[16];
    if (getrandom(secret, sizeof secret, 0) != sizeof secret) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    char *at = child.note_prefix;
    *at++ = '\1'; /* makes it no identifier, which the compiler would intern */
    for (size_t i = 0; i < sizeof secret; i++) at += sprintf(at, "%02x", secret[i]);
    return 0;
}

int child_prepare(char *slot, size_t slot_bytes, PyObject *events, PyObject *screen, PyObject *instrument,
                  PyObject *scripts)
{
    if (scripts != Py_None) {
        child.begin = PyObject_GetAttrString(scripts, "begin");
        child.finish = PyObject_GetAttrString(scripts, "finish");
        child.refuse = PyObject_GetAttrString(scripts, "refuse");
        if (PyErr_Occurred()) return -1;
    }
    PyObject *sys = PyImport_ImportModule("sys");
    if (sys == NULL || canonical_prepare() || tracer_prepare() || prepare_names() || make_note_prefix()) return -1;
    child.instrument = Py_NewRef(instrument);
    child.slot = slot;
    child.slot_bytes = slot_bytes;
    child.interpreter = PyModule_GetDict(sys);
    child.modules = PyObject_GetAttrString(sys, "modules");
    child.compile = attribute_of("builtins", "compile");
    child.exec = attribute_of("builtins", "exec");
    child.eval = attribute_of("builtins", "eval");
    child.screen = Py_NewRef(screen);
    child.freeze = attribute_of("gc", "freeze");
    child.bytes_io = attribute_of("_io", "BytesIO");
    child.text_io = attribute_of("_io", "TextIOWrapper");
    child.getvalue = child.bytes_io ? PyObject_GetAttrString(child.bytes_io, "getvalue") : NULL;
    child.recursion_limit = Py_GetRecursionLimit();
    if (PyErr_Occurred()) return -1;
    for (int i = 0; i < STREAM_SETS; i++) {
        if (make_streams(&child.streams[i])) return -1;
    }
    audit.forbidden = copy_names(PyTuple_GET_ITEM(events, 0));
    audit.observed = copy_names(PyTuple_GET_ITEM(events, 1));
    audit.harmless = copy_names(PyTuple_GET_ITEM(events, 2));
    if (!audit.forbidden || !audit.observed || !audit.harmless) return -1;
    watch_memory();
    return PySys_AddAuditHook(on_audit, NULL);
}

/* ---- after the fork ---- */

static uint64_t cpu_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Tells the server how many bytes of records are valid and which call runs from now on; the CPU time at this moment. */
static uint64_t commit(size_t records, size_t running)
{
    SlotHeader header = {(uint32_t)records, (uint32_t)running, cpu_clock_ns()};
    memcpy(child.slot, &header, sizeof header);
    return header.started_ns;
}

static void cut_frames(void)
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030D0000
    thread->current_frame = NULL;
#else
    thread->cframe->current_frame = NULL;
#endif
}

/* Gives a program the whole depth, whatever stands below, and undoes what it has set. */
static void reset_recursion(void)
{
    PyThreadState *thread = PyThreadState_Get();
    Py_SetRecursionLimit(child.recursion_limit);
#if PY_VERSION_HEX >= 0x030C0000
    thread->py_recursion_remaining = thread->py_recursion_limit;
#else
    thread->recursion_remaining = thread->recursion_limit;
#endif
}

/* A whole program stands as deep as where nothing but the interpreter is below it: `exec` does not count. */
static void allow_exec(void)
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030C0000
    thread->py_recursion_remaining++;
#else
    thread->recursion_remaining++;
#endif
}

/* The pending exception as an instance, or NULL. */
static PyObject *take_error(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (type == NULL) return NULL;
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL && error != NULL && PyException_SetTraceback(error, traceback)) PyErr_Clear();
    return error;
}

/* What is wrong with a source, as a str. */
static PyObject *take_compile_error(void)
{
    PyObject *error = take_error();
    PyObject *arguments = ((PyBaseExceptionObject *)error)->args;
    const char *kind = Py_TYPE(error)->tp_name;
    PyObject *why = PyTuple_GET_SIZE(arguments) ? PyUnicode_FromFormat("%s: %S", kind, PyTuple_GET_ITEM(arguments, 0))
                                                : PyUnicode_FromFormat("%s: ", kind);
    if (why == NULL) _exit(EXIT_TAMPERED);
    return why;
}

static PyObject *compile_source(PyObject *source, PyObject *filename, PyObject *mode)
{
    PyObject *code = PyObject_CallFunctionObjArgs(child.compile, source, filename, mode, child.zero, Py_True, NULL);
    return code ? code : take_compile_error();
}

/* The program's code with constants that are to become notes, and the names that its record watches. */
static PyObject *compile_noted(PyObject *source, PyObject *filename, PyObject **watched)
{
    PyObject *prefix = PyUnicode_FromString(child.note_prefix);
    PyObject *both = prefix ? PyObject_CallFunctionObjArgs(child.instrument, source, filename, prefix, NULL) : NULL;
    Py_XDECREF(prefix);
    if (both == NULL) return take_compile_error();
    *watched = Py_NewRef(PyTuple_GET_ITEM(both, 1));
    PyObject *code = Py_NewRef(PyTuple_GET_ITEM(both, 0));
    Py_DECREF(both);
    return code;
}

static int may_share(PyObject *module, PyObject *calls)
{
    int compiled = PyCode_Check(module);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(calls); i++) compiled &= PyCode_Check(PyTuple_GET_ITEM(calls, i));
    PyObject *passes = compiled ? PyObject_CallFunctionObjArgs(child.screen, module, calls, NULL) : NULL;
    PyErr_Clear();
    return passes == Py_True && !memory.refused;
}

static void compile_program(PyObject *program, size_t at, Compiled *compiled, int traced)
{
    PyObject *sources = PyTuple_GET_ITEM(program, 1);
    Py_ssize_t count = PyTuple_GET_SIZE(sources);
    memory.refused = 0;
    commit(0, at);
    PyObject *source = PyTuple_GET_ITEM(program, 0), *watched = NULL;
    int is_script = count > 0 && PyTuple_Check(PyTuple_GET_ITEM(sources, 0));
    PyObject *filename = is_script ? child.script_filename : child.filename;
    PyObject *module = traced == RECORDED ? compile_noted(source, filename, &watched)
                                          : compile_source(source, filename, child.exec_mode);
    PyObject *calls = PyTuple_New(count);
    if (calls == NULL) _exit(EXIT_TAMPERED);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i > 0) commit(0, at + (size_t)i);
        PyObject *call = PyTuple_GET_ITEM(sources, i);
        PyTuple_SET_ITEM(calls, i, PyTuple_Check(call) ? Py_NewRef(call)
                                                       : compile_source(call, child.call_filename, child.eval_mode));
    }
    int excluded = child.is_shared && (is_script || !may_share(module, calls));
    if (watched && tracer_place_notes((PyCodeObject *)module, child.note_prefix)) _exit(EXIT_TAMPERED);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *call = PyTuple_GET_ITEM(calls, i);
        PyObject *script = PyTuple_Check(call) ? call : NULL;
        compiled[at + (size_t)i] = (Compiled){module, call, source, script, watched, excluded, i == count - 1};
    }
    if (excluded) { /* code alone runs nothing when it is released */
        Py_DECREF(module);
        Py_DECREF(calls);
    }
}

/* Every call of every program with its module, all before any of them runs. */
static Compiled *compile_all(PyObject *programs, size_t *count, int traced)
{
    Compiled *compiled = NULL;
    *count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(programs); i++) {
        PyObject *program = PyTuple_GET_ITEM(programs, i);
        size_t at = *count;
        *count += (size_t)PyTuple_GET_SIZE(PyTuple_GET_ITEM(program, 1));
        compiled = realloc(compiled, (*count + 1) * sizeof *compiled);
        if (compiled == NULL) _exit(EXIT_TAMPERED);
        compile_program(program, at, compiled, traced);
    }
    if (child.is_shared) audit.count = 0; /* looking for the source of an excluded program, to quote it */
    return compiled;
}

/* Resets what the program sees of `sys`, so that an earlier one's changes end with it; -1 if that fails. */
static int dress_interpreter(const Streams *streams, PyObject *module, PyObject *name, PyObject *hook)
{
    int failed = PyDict_SetItem(child.interpreter, child.modules_key, child.modules);
    failed |= PyDict_SetItem(child.interpreter, child.hook_key, hook);
    for (int i = 0; i < 6; i++) {
        failed |= PyDict_SetItem(child.interpreter, child.stream_keys[i], streams->streams[i % 3]);
    }
    return failed | PyDict_SetItem(child.modules, name, module);
}

static PyObject *run_code(PyObject *function, PyObject *code, PyObject *space)
{
    return PyObject_CallFunctionObjArgs(function, code, space, NULL);
}

static PyObject *run_program(const Compiled *compiled, PyObject *space, const Caps *caps, char *trace, uint64_t *own)
{
    if (run_code(child.exec, compiled->module, space) == NULL) return NULL;
    if (caps->traced) {
        uint64_t before = audit.settraces;
        tracer_watch(space, compiled->watched);
        tracer_start(trace, TRACE_BYTES, child.filename, caps->value_chars, caps->trace_events);
        *own = audit.settraces - before;
    }
    return run_code(child.eval, compiled->call, space);
}

/* Runs a whole program; what `finish` says of its end, and in *ended the exception that it ended with. */
static PyObject *run_script(const Compiled *compiled, PyObject *module, PyObject *raw, const Caps *caps, char *trace,
                            uint64_t *own, PyObject **ended)
{
    PyObject *begun = PyObject_CallFunctionObjArgs(child.begin, module, compiled->source, raw, compiled->script, NULL);
    if (begun == NULL) return NULL;
    if (PyUnicode_Check(compiled->module)) return PyObject_CallOneArg(child.refuse, compiled->source);
    PyObject *space = PyModule_GetDict(module);
    if (caps->traced) {
        uint64_t before = audit.settraces;
        tracer_watch(space, compiled->watched);
        tracer_start(trace, TRACE_BYTES, child.script_filename, caps->value_chars, caps->trace_events);
        *own = audit.settraces - before;
    }
    reset_recursion();
    allow_exec();
    if (run_code(child.exec, compiled->module, space) == NULL) *ended = take_error();
    reset_recursion();
    return PyObject_CallOneArg(child.finish, *ended ? *ended : Py_None);
}

static Part part_of(const Text *text)
{
    return (Part){text->data ? text->data : "", (size_t)text->bytes};
}

static uint32_t judge_value(PyObject *value, const Caps *caps, Part *output)
{
    Text text = {.limit = caps->output_chars};
    if (canonical_write(&text, value) != WRITTEN) return MEMORY;
    if (text.chars > caps->output_chars || (text.bytes >= 3 && memcmp(text.data + text.bytes - 3, "...", 3) == 0)) {
        return TRUNCATED;
    }
    *output = part_of(&text);
    return OK;
}

static uint32_t judge_error(PyObject *error, Part *exception)
{
    Text text = {.limit = EXCEPTION_CHARS};
    if (canonical_write_exception(&text, error) == WRITTEN) *exception = part_of(&text);
    if (PyType_IsSubtype(Py_TYPE(error), (PyTypeObject *)PyExc_MemoryError)) return MEMORY;
    if (PyType_IsSubtype(Py_TYPE(error), (PyTypeObject *)PyExc_SystemExit)) return SYSTEM_EXIT;
    return EXCEPTION;
}

/* How a whole program ended: by itself, by an exception, or not even so that it could be said. */
static uint32_t judge_script(const Compiled *compiled, PyObject *ended, PyObject *said, PyObject *error, const Caps *caps,
                             Part *output, Part *exception)
{
    if (said == NULL) return error ? judge_error(error, exception) : MEMORY;
    Caps room = *caps; /* standard error and files have bounds of their own */
    room.output_chars = SCRIPT_CHARS;
    uint32_t written = judge_value(said, &room, output);
    if (written != OK) return written;
    if (PyUnicode_Check(compiled->module)) {
        PyObject *text = PyUnicode_AsEncodedString(compiled->module, "utf-8", "surrogatepass");
        if (text != NULL) *exception = (Part){PyBytes_AS_STRING(text), (size_t)PyBytes_GET_SIZE(text)};
        PyErr_Clear();
        return COMPILE_ERROR;
    }
    return ended ? judge_error(ended, exception) : OK;
}

static Part printed_text(PyObject *raw, Py_ssize_t limit)
{
    Part printed = {"", 0};
    PyObject *bytes = PyObject_CallOneArg(child.getvalue, raw), *text = NULL;
    if (bytes != NULL) {
        Py_ssize_t size = PyBytes_GET_SIZE(bytes) < 4 * limit ? PyBytes_GET_SIZE(bytes) : 4 * limit;
        text = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), size, "replace");
    }
    if (text != NULL && PyUnicode_GET_LENGTH(text) > limit) text = PyUnicode_Substring(text, 0, limit);
    Py_ssize_t size = 0;
    const char *data = text ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;
    if (data != NULL) printed = (Part){data, (size_t)size};
    PyErr_Clear(); /* closed by the program, or too much for what memory is left */
    return printed;
}

static Part notes_text(void)
{
    static char joined[MAX_NOTES * (MAX_NOTE_CHARS + 2)];
    size_t size = 0;
    for (int i = 0; i < audit.count; i++) {
        size += (size_t)snprintf(joined + size, sizeof joined - size, i ? "\n%s" : "%s", audit.notes[i]);
    }
    audit.count = 0;
    return (Part){joined, size};
}

static uint32_t size_or_none(Part part)
{
    return part.data == NULL ? NO_TEXT : (uint32_t)part.size;
}

static void write_record(uint32_t status, uint64_t cpu_ns, size_t trace, Part output, Part exception, Part printed)
{
    Part flags = notes_text(), parts[4] = {output, exception, printed, flags};
    RecordHead head = {status, (uint32_t)trace, size_or_none(output), size_or_none(exception), size_or_none(printed),
                       size_or_none(flags), cpu_ns};
    memcpy(child.slot + child.position, &head, sizeof head);
    child.position += sizeof head + trace;
    for (int i = 0; i < 4; i++) {
        if (parts[i].data != NULL) memcpy(child.slot + child.position, parts[i].data, parts[i].size);
        if (parts[i].data != NULL) child.position += parts[i].size;
    }
    while (child.position % ALIGNMENT) child.slot[child.position++] = 0;
}

static void exclude_call(void)
{
    const Part none = {NULL, 0};
    write_record(NOT_SHARED, 0, 0, none, none, none);
}

static void refuse_call(PyObject *why)
{
    PyObject *text = PyUnicode_AsEncodedString(why, "utf-8", "surrogatepass");
    Part exception = text ? (Part){PyBytes_AS_STRING(text), (size_t)PyBytes_GET_SIZE(text)} : (Part){"", 0};
    PyErr_Clear();
    write_record(COMPILE_ERROR, 0, 0, (Part){NULL, 0}, exception, (Part){"", 0});
}

static void run_call(const Compiled *compiled, const Caps *caps, void **ballast, uint64_t begun)
{
    static const char hooks_replaced[] = "the program replaced the interpreter's hooks";
    char *trace = child.slot + child.position + sizeof(RecordHead);
    Part output = {NULL, 0}, exception = {NULL, 0};
    Streams made, *streams = child.streams_used < STREAM_SETS ? &child.streams[child.streams_used++] : &made;
    PyObject *name = compiled->script ? child.main_name : child.module_name;
    PyObject *module = PyModule_NewObject(name), *failures = PyList_New(0);
    PyObject *hook = failures ? PyObject_GetAttrString(failures, "append") : NULL;
    int dressed = module && hook && (streams != &made || make_streams(streams) == 0) &&
                  dress_interpreter(streams, module, name, hook) == 0;
    uint64_t own = 0, settraces = audit.settraces;
    memory.refused = 0;
    PyObject *value = NULL, *ended = NULL;
    if (dressed) {
        PyGC_Enable();
        value = compiled->script ? run_script(compiled, module, streams->raw, caps, trace, &own, &ended)
                                 : run_program(compiled, PyModule_GetDict(module), caps, trace, &own);
        PyGC_Disable();
    }
    PyObject *error = value ? NULL : take_error();
    reset_recursion();
    uint64_t cpu_ns = cpu_clock_ns() - begun, foreign = audit.settraces - settraces - own; /* stopping counts too */
    int kept = dressed && PyDict_GetItemWithError(child.interpreter, child.hook_key) == hook;
    PyErr_Clear();
    free(*ballast);
    *ballast = NULL;
    tracer_stop();
    uint32_t status;
    /* Without a trace there is nothing that `sys.settrace` could hide; doctest uses it. */
    if (!kept || (caps->traced && foreign > 0)) {
        status = TAMPERED;
        exception = (Part){hooks_replaced, sizeof hooks_replaced - 1};
    } else if (compiled->script) {
        status = judge_script(compiled, ended, value, error, caps, &output, &exception);
    } else if (value != NULL) {
        status = judge_value(value, caps, &output);
    } else {
        status = error ? judge_error(error, &exception) : MEMORY;
    }
    uint64_t traced = 0;
    memcpy(&traced, trace, TRACE_HEADER_BYTES);
    Part printed = dressed ? printed_text(streams->raw, caps->stdout_chars) : (Part){"", 0};
    /* Programs that share a child reach the streams by printing only. */
    int untouched = child.is_shared && dressed && streams != &made && printed.size == 0 && !memory.refused;
    if (untouched) child.streams_used--;
    if (child.is_shared && memory.refused) exclude_call();
    else write_record(status, cpu_ns, caps->traced ? TRACE_HEADER_BYTES + traced : 0, output, exception, printed);
}

static void do_call(const Compiled *compiled, const Caps *caps, void **ballast, uint64_t begun)
{
    if (compiled->excluded) exclude_call();
    else if (compiled->script) run_call(compiled, caps, ballast, begun);
    else if (PyUnicode_Check(compiled->module)) refuse_call(compiled->module);
    else if (PyUnicode_Check(compiled->call)) refuse_call(compiled->call);
    else run_call(compiled, caps, ballast, begun);
}

/* Commits what is there, and that this call runs from now on; the CPU time at this moment. */
static uint64_t begin_record(size_t call)
{
    memset(child.slot + child.position + sizeof(RecordHead), 0, TRACE_HEADER_BYTES);
    return commit(child.position - sizeof(SlotHeader), call);
}

_Noreturn void child_run(const char *data, size_t size, int traced)
{
    cut_frames();
    reset_recursion();
    PyObject *job = PyMarshal_ReadObjectFromString(data, (Py_ssize_t)size), *programs;
    Caps caps = {.traced = traced};
    if (job == NULL || !PyArg_ParseTuple(job, "O!nnnL", &PyTuple_Type, &programs, &caps.stdout_chars, &caps.output_chars,
                                         &caps.value_chars, &caps.trace_events)) {
        _exit(EXIT_NOT_CONFINED);
    }
    PyGC_Disable();
    audit.armed = 1;
    void *ballast = malloc(BALLAST_BYTES);
    size_t count;
    child.position = sizeof(SlotHeader);
    child.is_shared = PyTuple_GET_SIZE(programs) > 1;
    begin_record(0); /* the slot still holds what an earlier child left */
    Compiled *compiled = compile_all(programs, &count, traced);
    uint64_t begun = begin_record(0);
    for (size_t i = 0; i < count; i++) {
        do_call(&compiled[i], &caps, &ballast, begun);
        begun = begin_record(i + 1);
        if (child.slot_bytes - child.position < 2 * TRACE_BYTES) _exit(EXIT_SLOT_FULL);
        /* What a program leaves stays: a generator that is collected while a later one runs would run there. */
        if (child.is_shared && compiled[i].is_last) PyObject_CallNoArgs(child.freeze);
    }
    _exit(0);
}
