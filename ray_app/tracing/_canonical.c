/* See _canonical.h. Every function that emits returns an Outcome, and anything but WRITTEN ends the whole text. */

#include "_canonical.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64
#define MAX_DECIMAL_BITS 14000
#define SET_WORK 8

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        Outcome outcome_ = (call);                                                                                     \
        if (outcome_ != WRITTEN) return outcome_;                                                                      \
    } while (0)

static PyTypeObject *deque_type, *defaultdict_type;
static PyObject *deque_maxlen, *default_factory; /* descriptors */
static PyObject *name_slots, *name_name, *name_fields, *name_enum; /* interned */

/* Where a value is being written: shared with the texts of set elements. */
typedef struct {
    Py_ssize_t visits;
    int depth;
    const void *open[MAX_DEPTH];
} Walk;

typedef struct {
    Text *text;
    Walk *walk;
    int in_set;
} Writer;

static Outcome write_value(Writer *w, PyObject *value);

/* ---- text ---- */

static Outcome reserve(Text *text, Py_ssize_t more)
{
    if (text->bytes + more <= text->capacity) return WRITTEN;
    Py_ssize_t capacity = 2 * (text->bytes + more) + 32;
    char *data = PyMem_RawRealloc(text->data, (size_t)capacity);
    if (data == NULL) return FAILED;
    text->data = data;
    text->capacity = capacity;
    return WRITTEN;
}

static Outcome emit(Text *text, const char *ascii, Py_ssize_t size)
{
    Py_ssize_t room = text->limit - text->chars, taken = size < room ? size : room;
    if (taken == 0) return size == 0 ? WRITTEN : CUT;
    TRY(reserve(text, taken));
    memcpy(text->data + text->bytes, ascii, (size_t)taken);
    text->bytes += taken;
    text->chars += taken;
    return taken == size ? WRITTEN : CUT;
}

static Outcome emit_string(Text *text, const char *ascii)
{
    return emit(text, ascii, (Py_ssize_t)strlen(ascii));
}

static Outcome emit_character(Text *text, Py_UCS4 c)
{
    if (c >= 0xD800 && c <= 0xDFFF) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        return emit(text, escape, 6);
    }
    if (text->chars >= text->limit) return CUT;
    TRY(reserve(text, 4));
    unsigned char *out = (unsigned char *)text->data + text->bytes;
    if (c < 0x80) {
        *out++ = (unsigned char)c;
    } else if (c < 0x800) {
        *out++ = (unsigned char)(0xC0 | c >> 6);
        *out++ = (unsigned char)(0x80 | (c & 0x3F));
    } else {
        if (c < 0x10000) {
            *out++ = (unsigned char)(0xE0 | c >> 12);
        } else {
            *out++ = (unsigned char)(0xF0 | c >> 18);
            *out++ = (unsigned char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (unsigned char)(0x80 | (c & 0x3F));
    }
    text->bytes = (char *)out - text->data;
    text->chars++;
    return WRITTEN;
}

Outcome text_append_unicode(Text *text, PyObject *string)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    if (PyUnicode_IS_ASCII(string)) return emit(text, (const char *)PyUnicode_1BYTE_DATA(string), length);
    int kind = PyUnicode_KIND(string);
    const void *data = PyUnicode_DATA(string);
    for (Py_ssize_t i = 0; i < length; i++) TRY(emit_character(text, PyUnicode_READ(kind, data, i)));
    return WRITTEN;
}

/* Emits as many characters of another text as there is room for. */
static Outcome emit_text(Text *text, const Text *other)
{
    Py_ssize_t room = text->limit - text->chars, chars = other->chars, bytes = other->bytes;
    if (chars > room) {
        bytes = 0;
        for (chars = 0; chars < room; chars++) {
            do bytes++; while ((other->data[bytes] & 0xC0) == 0x80);
        }
    }
    if (bytes == 0) return other->chars ? CUT : WRITTEN;
    TRY(reserve(text, bytes));
    memcpy(text->data + text->bytes, other->data, (size_t)bytes);
    text->bytes += bytes;
    text->chars += chars;
    return chars == other->chars ? WRITTEN : CUT;
}

/* Emits and releases a str that an interpreter's function has made; NULL is a failure of that function. */
static Outcome emit_made(Text *text, PyObject *made)
{
    if (made == NULL) {
        PyErr_Clear();
        return FAILED;
    }
    Outcome outcome = text_append_unicode(text, made);
    Py_DECREF(made);
    return outcome;
}

void text_free(Text *text)
{
    PyMem_RawFree(text->data);
    text->data = NULL;
    text->bytes = text->capacity = text->chars = 0;
}

/* ---- reading classes and instances without their own code ---- */

/* A name, whatever it is: names that are no str print as "?". */
static Outcome emit_name(Writer *w, PyObject *name)
{
    return name != NULL && PyUnicode_Check(name) ? text_append_unicode(w->text, name) : emit(w->text, "?", 1);
}

static Outcome emit_static_name(Writer *w, PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    return emit_string(w->text, dot != NULL ? dot + 1 : type->tp_name);
}

static Outcome emit_type_name(Writer *w, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) return emit_name(w, ((PyHeapTypeObject *)type)->ht_name);
    return emit_static_name(w, type);
}

static Outcome emit_type_qualname(Writer *w, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) return emit_name(w, ((PyHeapTypeObject *)type)->ht_qualname);
    return emit_static_name(w, type);
}

/* Whether a dict's key is this interned name; a program's own key objects are not compared. */
static int is_name(PyObject *key, PyObject *name)
{
    if (key == name) return 1;
    return PyUnicode_CheckExact(key) && !PyUnicode_CHECK_INTERNED(key) && PyUnicode_Compare(key, name) == 0;
}

static PyObject *find(PyObject *dict, PyObject *name) /* borrowed */
{
    PyObject *key, *item;
    Py_ssize_t position = 0;
    if (dict == NULL) return NULL;
    while (PyDict_Next(dict, &position, &key, &item)) {
        if (is_name(key, name)) return item;
    }
    return NULL;
}

static int is_dunder(PyObject *name)
{
    if (!PyUnicode_CheckExact(name)) return 0;
    Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    return n >= 2 && PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_' &&
           PyUnicode_READ_CHAR(name, n - 1) == '_' && PyUnicode_READ_CHAR(name, n - 2) == '_';
}

/* Only classes that a program can make have `__slots__`. */
static int declares_slots(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE && find(type->tp_dict, name_slots) != NULL;
}

static int has_slots(PyTypeObject *type)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        if (declares_slots((PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i))) return 1;
    }
    return 0;
}

/* The instance's exact dict as a new reference, or NULL. */
static PyObject *instance_dict(PyObject *value)
{
    PyObject *dict = NULL;
    if (PyExceptionInstance_Check(value)) {
        dict = Py_XNewRef(((PyBaseExceptionObject *)value)->dict);
    } else if (Py_TYPE(value)->tp_dictoffset != 0) {
        dict = PyObject_GenericGetDict(value, NULL);
        if (dict == NULL) PyErr_Clear();
    }
    if (dict != NULL && !PyDict_CheckExact(dict)) Py_CLEAR(dict);
    return dict;
}

static int is_enum(PyTypeObject *type)
{
    PyTypeObject *meta = Py_TYPE(type);
    if (meta == &PyType_Type || !(meta->tp_flags & Py_TPFLAGS_HEAPTYPE)) return 0;
    PyObject *name = ((PyHeapTypeObject *)meta)->ht_name;
    return PyUnicode_CompareWithASCIIString(name, "EnumType") == 0;
}

/* The field names of a named tuple's class that fit this tuple, borrowed, or NULL. */
static PyObject *namedtuple_fields(PyObject *value)
{
    PyObject *mro = Py_TYPE(value)->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *names = base->tp_flags & Py_TPFLAGS_HEAPTYPE ? find(base->tp_dict, name_fields) : NULL;
        if (names == NULL || names == Py_None) continue;
        if (!PyTuple_CheckExact(names) || PyTuple_GET_SIZE(names) != PyTuple_GET_SIZE(value)) return NULL;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); k++) {
            if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(names, k))) return NULL;
        }
        return names;
    }
    return NULL;
}

static int is_atom(PyObject *value)
{
    return PyLong_CheckExact(value) || PyUnicode_CheckExact(value) || value == Py_None || PyFloat_CheckExact(value) ||
           PyBool_Check(value) || PyBytes_CheckExact(value);
}

static int is_atom_tuple(PyObject *value)
{
    if (!PyTuple_CheckExact(value)) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++) {
        if (!is_atom(PyTuple_GET_ITEM(value, i))) return 0;
    }
    return 1;
}

int canonical_is_constant(PyObject *value)
{
    return is_atom(value) || is_atom_tuple(value) || Py_IS_TYPE(value, &PyRange_Type);
}

/* ---- brackets, cycles, depth ---- */

/* Emits the opening; then *inside says whether to write the content (and to call `leave`) or it is a cycle. */
static Outcome enter(Writer *w, const void *key, const char *opening, int *inside)
{
    Walk *walk = w->walk;
    TRY(emit_string(w->text, opening));
    for (int i = 0; i < walk->depth; i++) {
        if (walk->open[i] == key) {
            *inside = 0;
            return emit(w->text, "...", 3);
        }
    }
    if (walk->depth >= MAX_DEPTH) return CUT;
    walk->open[walk->depth++] = key;
    *inside = 1;
    return WRITTEN;
}

static Outcome leave(Writer *w, const char *closing, int inside)
{
    if (inside) w->walk->depth--;
    return emit_string(w->text, closing);
}

static Outcome separate(Writer *w, Py_ssize_t index)
{
    return index > 0 ? emit(w->text, ", ", 2) : WRITTEN;
}

/* ---- atoms ---- */

static Outcome write_hex(Writer *w, PyObject *value, size_t bits)
{
    Py_ssize_t digits = (Py_ssize_t)((bits + 3) / 4), extra = digits - w->text->limit;
    PyNumberMethods *numbers = PyLong_Type.tp_as_number;
    if (_PyLong_Sign(value) < 0) TRY(emit(w->text, "-", 1));
    PyObject *magnitude = numbers->nb_absolute(value), *shift = PyLong_FromSsize_t(extra > 0 ? 4 * extra : 0);
    PyObject *top = magnitude && shift ? numbers->nb_rshift(magnitude, shift) : NULL;
    PyObject *text = top ? PyNumber_ToBase(top, 16) : NULL;
    Py_XDECREF(magnitude);
    Py_XDECREF(shift);
    Py_XDECREF(top);
    return emit_made(w->text, text);
}

static Outcome write_int(Writer *w, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) {
        char digits[24], *first = digits + sizeof digits;
        unsigned long long rest = number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
        do *--first = (char)('0' + rest % 10); while ((rest /= 10) != 0);
        if (number < 0) *--first = '-';
        return emit(w->text, first, digits + sizeof digits - first);
    }
    size_t bits = _PyLong_NumBits(value);
    if (bits <= MAX_DECIMAL_BITS) {
        PyObject *text = PyLong_Type.tp_repr(value);
        if (text != NULL) return emit_made(w->text, text);
        PyErr_Clear(); /* the program has lowered the interpreter's limit on decimal digits */
    }
    return write_hex(w, value, bits);
}

static Outcome write_float(Writer *w, PyObject *value)
{
    char *text = PyOS_double_to_string(PyFloat_AS_DOUBLE(value), 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) {
        PyErr_Clear();
        return FAILED;
    }
    Outcome outcome = emit_string(w->text, text);
    PyMem_Free(text);
    return outcome;
}

static Outcome write_complex(Writer *w, PyObject *value)
{
    return emit_made(w->text, PyComplex_Type.tp_repr(value));
}

static Outcome write_str(Writer *w, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(value), taken = length < w->text->limit ? length : w->text->limit;
    if (PyUnicode_IS_ASCII(value)) {
        const Py_UCS1 *data = PyUnicode_1BYTE_DATA(value);
        Py_ssize_t i = 0;
        while (i < taken && data[i] >= ' ' && data[i] < 0x7F && data[i] != '\'' && data[i] != '\\') i++;
        if (i == taken) {
            TRY(emit(w->text, "'", 1));
            TRY(emit(w->text, (const char *)data, taken));
            return emit(w->text, "'", 1);
        }
    }
    PyObject *part = PyUnicode_Substring(value, 0, taken), *text = part ? PyUnicode_Type.tp_repr(part) : NULL;
    Py_XDECREF(part);
    return emit_made(w->text, text);
}

static Outcome write_bytes_of(Writer *w, const char *data, Py_ssize_t length)
{
    PyObject *part = PyBytes_FromStringAndSize(data, length < w->text->limit ? length : w->text->limit);
    PyObject *text = part ? PyBytes_Type.tp_repr(part) : NULL;
    Py_XDECREF(part);
    return emit_made(w->text, text);
}

static Outcome write_bytes(Writer *w, PyObject *value)
{
    return write_bytes_of(w, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
}

static Outcome write_bytearray(Writer *w, PyObject *value)
{
    TRY(emit_string(w->text, "bytearray("));
    TRY(write_bytes_of(w, PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value)));
    return emit(w->text, ")", 1);
}

/* ---- containers ---- */

static Outcome write_list(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "[", &inside));
    for (Py_ssize_t i = 0; inside && i < PyList_GET_SIZE(value); i++) {
        TRY(separate(w, i));
        TRY(write_value(w, PyList_GET_ITEM(value, i)));
    }
    return leave(w, "]", inside);
}

static Outcome write_tuple(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "(", &inside));
    for (Py_ssize_t i = 0; inside && i < PyTuple_GET_SIZE(value); i++) {
        TRY(separate(w, i));
        TRY(write_value(w, PyTuple_GET_ITEM(value, i)));
    }
    return leave(w, PyTuple_GET_SIZE(value) == 1 ? ",)" : ")", inside);
}

static Outcome write_pair(Writer *w, Py_ssize_t index, PyObject *key, PyObject *item)
{
    TRY(separate(w, index));
    TRY(write_value(w, key));
    TRY(emit(w->text, ": ", 2));
    return write_value(w, item);
}

static Outcome write_pairs(Writer *w, PyObject *value)
{
    PyObject *key, *item;
    Py_ssize_t position = 0;
    for (Py_ssize_t index = 0; PyDict_Next(value, &position, &key, &item); index++) {
        TRY(write_pair(w, index, key, item));
    }
    return WRITTEN;
}

static Outcome write_dict(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "{", &inside));
    if (inside) TRY(write_pairs(w, value));
    return leave(w, "}", inside);
}

static int hashes_safely(PyObject *value)
{
    PyObject *key, *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(value, &position, &key, &item)) {
        if (!is_atom(key) && !is_atom_tuple(key)) return 0;
    }
    return 1;
}

/* An OrderedDict's first keys in its own order as a new list, or NULL where it has none that is safe to ask for. */
static PyObject *ordered_keys(PyObject *value, Py_ssize_t limit)
{
    if (!hashes_safely(value)) return NULL;
    PyObject *keys = PyList_New(0), *iterator = keys ? PyODict_Type.tp_iter(value) : NULL, *key;
    while (iterator != NULL && PyList_GET_SIZE(keys) < limit && (key = Py_TYPE(iterator)->tp_iternext(iterator))) {
        int failed = PyList_Append(keys, key);
        Py_DECREF(key);
        if (failed) break;
    }
    Py_XDECREF(iterator);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        Py_CLEAR(keys);
    }
    return keys;
}

static Outcome write_ordered_pairs(Writer *w, PyObject *value)
{
    PyObject *keys = ordered_keys(value, w->text->limit);
    if (keys == NULL) return write_pairs(w, value);
    Outcome outcome = WRITTEN;
    for (Py_ssize_t i = 0; outcome == WRITTEN && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i), *item = PyDict_GetItemWithError(value, key);
        PyErr_Clear();
        outcome = write_pair(w, i, key, item != NULL ? item : Py_None);
    }
    Py_DECREF(keys);
    return outcome;
}

static Outcome write_ordered_dict(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "{", &inside));
    if (inside) TRY(write_ordered_pairs(w, value));
    return leave(w, "}", inside);
}

/* What an iterator of a built-in type gives. The iterator is released. */
static Outcome write_iterated(Writer *w, PyObject *iterator)
{
    Outcome outcome = iterator != NULL ? WRITTEN : FAILED;
    PyObject *item;
    for (Py_ssize_t i = 0; outcome == WRITTEN && (item = Py_TYPE(iterator)->tp_iternext(iterator)) != NULL; i++) {
        outcome = separate(w, i);
        if (outcome == WRITTEN) outcome = write_value(w, item);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    PyErr_Clear();
    return outcome;
}

typedef struct {
    Text text;
    int cut;
} Element;

static int compare_elements(const void *left, const void *right)
{
    const Element *a = left, *b = right;
    Py_ssize_t common = a->text.bytes < b->text.bytes ? a->text.bytes : b->text.bytes;
    int order = common ? memcmp(a->text.data, b->text.data, (size_t)common) : 0;
    if (order != 0) return order;
    if (a->text.bytes != b->text.bytes) return a->text.bytes < b->text.bytes ? -1 : 1;
    return a->cut - b->cut;
}

/* The texts of a set's elements; *count of them are filled in whatever the outcome. */
static Outcome write_elements(Writer *w, PyObject *set, Element *elements, Py_ssize_t size, Py_ssize_t *count)
{
    PyObject *iterator = PySet_Type.tp_iter(set), *item;
    Outcome outcome = iterator != NULL ? WRITTEN : FAILED;
    int depth = w->walk->depth;
    while (outcome == WRITTEN && *count < size && (item = Py_TYPE(iterator)->tp_iternext(iterator)) != NULL) {
        Element *element = &elements[(*count)++];
        element->text.limit = w->text->limit;
        Writer inner = {&element->text, w->walk, 1};
        outcome = write_value(&inner, item);
        Py_DECREF(item);
        if (outcome == CUT) {
            element->cut = 1;
            w->walk->depth = depth;
            outcome = WRITTEN;
        }
    }
    Py_XDECREF(iterator);
    PyErr_Clear();
    return outcome;
}

static Outcome write_sorted(Writer *w, Element *elements, Py_ssize_t count)
{
    qsort(elements, (size_t)count, sizeof *elements, compare_elements);
    for (Py_ssize_t i = 0; i < count; i++) {
        Text *text = &elements[i].text;
        TRY(separate(w, i));
        TRY(emit_text(w->text, text));
        if (elements[i].cut) return CUT;
    }
    return WRITTEN;
}

static Outcome write_set_content(Writer *w, PyObject *value)
{
    Py_ssize_t size = PySet_GET_SIZE(value), count = 0, most = SET_WORK * w->text->limit + 1;
    Element *elements = PyMem_RawCalloc((size_t)(size < most ? size : most), sizeof *elements);
    if (elements == NULL) return FAILED;
    Outcome outcome = write_elements(w, value, elements, size < most ? size : most, &count);
    if (outcome == WRITTEN) outcome = write_sorted(w, elements, count);
    for (Py_ssize_t i = 0; i < count; i++) PyMem_RawFree(elements[i].text.data);
    PyMem_RawFree(elements);
    if (outcome == OVERWORK && !w->in_set) {
        char size_text[48];
        snprintf(size_text, sizeof size_text, "<%zd items>", size);
        outcome = emit_string(w->text, size_text);
        return outcome == WRITTEN ? CUT : outcome;
    }
    return outcome;
}

static Outcome write_braces(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "{", &inside));
    if (inside) TRY(write_set_content(w, value));
    return leave(w, "}", inside);
}

static Outcome write_set(Writer *w, PyObject *value)
{
    return PySet_GET_SIZE(value) > 0 ? write_braces(w, value) : emit_string(w->text, "set()");
}

static Outcome write_frozenset(Writer *w, PyObject *value)
{
    if (PySet_GET_SIZE(value) == 0) return emit_string(w->text, "frozenset()");
    TRY(emit_string(w->text, "frozenset("));
    TRY(write_braces(w, value));
    return emit(w->text, ")", 1);
}

static PyObject *described(PyObject *descriptor, PyObject *value)
{
    return Py_TYPE(descriptor)->tp_descr_get(descriptor, value, (PyObject *)Py_TYPE(value));
}

static Outcome write_deque_body(Writer *w, PyObject *value)
{
    int inside;
    TRY(enter(w, value, "[", &inside));
    if (inside) TRY(write_iterated(w, deque_type->tp_iter(value)));
    TRY(leave(w, "]", inside));
    PyObject *maxlen = described(deque_maxlen, value);
    if (maxlen == NULL) return emit_made(w->text, NULL);
    Outcome outcome = WRITTEN;
    if (maxlen != Py_None) {
        outcome = emit_string(w->text, ", maxlen=");
        if (outcome == WRITTEN) outcome = write_int(w, maxlen);
    }
    Py_DECREF(maxlen);
    return outcome;
}

static Outcome write_deque(Writer *w, PyObject *value)
{
    TRY(emit_string(w->text, "deque("));
    TRY(write_deque_body(w, value));
    return emit(w->text, ")", 1);
}

static Outcome write_defaultdict_body(Writer *w, PyObject *value)
{
    PyObject *factory = described(default_factory, value);
    if (factory == NULL) return emit_made(w->text, NULL);
    Outcome outcome = write_value(w, factory);
    Py_DECREF(factory);
    if (outcome != WRITTEN) return outcome;
    TRY(emit(w->text, ", ", 2));
    return write_dict(w, value);
}

static Outcome write_view(Writer *w, PyObject *value)
{
    int inside;
    TRY(emit_static_name(w, Py_TYPE(value)));
    TRY(emit(w->text, "(", 1));
    TRY(enter(w, value, "[", &inside));
    if (inside) TRY(write_iterated(w, Py_TYPE(value)->tp_iter(value)));
    TRY(leave(w, "]", inside));
    return emit(w->text, ")", 1);
}

static Outcome write_attribute_of_exact(Writer *w, PyObject *value, const char *name)
{
    PyObject *item = PyObject_GetAttrString(value, name);
    if (item == NULL) return emit_made(w->text, NULL);
    Outcome outcome = write_value(w, item);
    Py_DECREF(item);
    return outcome;
}

static Outcome write_range(Writer *w, PyObject *value)
{
    TRY(emit_string(w->text, "range("));
    TRY(write_attribute_of_exact(w, value, "start"));
    TRY(emit(w->text, ", ", 2));
    TRY(write_attribute_of_exact(w, value, "stop"));
    PyObject *step = PyObject_GetAttrString(value, "step");
    int overflow = 0, plain = step != NULL && PyLong_AsLongLongAndOverflow(step, &overflow) == 1 && !overflow;
    Py_XDECREF(step);
    if (!plain) {
        TRY(emit(w->text, ", ", 2));
        TRY(write_attribute_of_exact(w, value, "step"));
    }
    return emit(w->text, ")", 1);
}

static Outcome write_slice(Writer *w, PyObject *value)
{
    PySliceObject *slice = (PySliceObject *)value;
    int inside;
    TRY(enter(w, value, "slice(", &inside));
    if (inside) {
        TRY(write_value(w, slice->start));
        TRY(emit(w->text, ", ", 2));
        TRY(write_value(w, slice->stop));
        TRY(emit(w->text, ", ", 2));
        TRY(write_value(w, slice->step));
    }
    return leave(w, ")", inside);
}

/* ---- code and classes: by name ---- */

static Outcome write_named(Writer *w, const char *opening, PyObject *name)
{
    TRY(emit_string(w->text, opening));
    TRY(emit_name(w, name));
    return emit(w->text, ">", 1);
}

static Outcome write_class(Writer *w, PyObject *value)
{
    TRY(emit_string(w->text, "<class '"));
    TRY(emit_type_qualname(w, (PyTypeObject *)value));
    return emit(w->text, "'>", 2);
}

static Outcome write_module(Writer *w, PyObject *value)
{
    TRY(emit_string(w->text, "<module '"));
    TRY(emit_name(w, find(PyModule_GetDict(value), name_name)));
    return emit(w->text, "'>", 2);
}

static Outcome write_function(Writer *w, PyObject *value)
{
    return write_named(w, "<function ", ((PyFunctionObject *)value)->func_qualname);
}

static Outcome write_builtin(Writer *w, PyObject *value)
{
    PyObject *owner = PyCFunction_GET_SELF(value);
    int is_function = owner == NULL || owner == Py_None || PyModule_Check(owner);
    TRY(emit_string(w->text, is_function ? "<built-in function " : "<built-in method "));
    TRY(emit_string(w->text, ((PyCFunctionObject *)value)->m_ml->ml_name));
    if (!is_function) {
        TRY(emit_string(w->text, " of "));
        TRY(emit_type_name(w, Py_TYPE(owner)));
        TRY(emit_string(w->text, " object"));
    }
    return emit(w->text, ">", 1);
}

static Outcome write_method(Writer *w, PyObject *value)
{
    PyObject *function = PyMethod_GET_FUNCTION(value);
    return write_named(
        w, "<bound method ", PyFunction_Check(function) ? ((PyFunctionObject *)function)->func_qualname : NULL);
}

static Outcome write_own_repr(Writer *w, PyObject *value)
{
    return emit_made(w->text, Py_TYPE(value)->tp_repr(value));
}

static Outcome write_generator(Writer *w, PyObject *value)
{
    TRY(emit(w->text, "<", 1));
    TRY(emit_static_name(w, Py_TYPE(value)));
    return write_named(w, " ", ((PyGenObject *)value)->gi_qualname);
}

/* ---- instances of classes ---- */

static Outcome write_field(Writer *w, int *follows, PyObject *name, PyObject *item)
{
    if (*follows) TRY(emit(w->text, ", ", 2));
    *follows = 1;
    TRY(PyUnicode_CheckExact(name) ? text_append_unicode(w->text, name) : write_value(w, name));
    TRY(emit(w->text, "=", 1));
    return write_value(w, item);
}

static Outcome write_slots(Writer *w, PyObject *value, PyTypeObject *base, int *follows)
{
    PyObject *name, *member;
    Py_ssize_t position = 0;
    while (PyDict_Next(base->tp_dict, &position, &name, &member)) {
        if (!Py_IS_TYPE(member, &PyMemberDescr_Type) || PyDescr_TYPE(member) != base || is_dunder(name)) continue;
        PyObject *item = described(member, value);
        if (item == NULL) {
            PyErr_Clear(); /* an empty slot */
            continue;
        }
        Outcome outcome = write_field(w, follows, name, item);
        Py_DECREF(item);
        if (outcome != WRITTEN) return outcome;
    }
    return WRITTEN;
}

static Outcome write_dict_fields(Writer *w, PyObject *dict, int *follows)
{
    PyObject *name, *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &name, &item)) {
        if (!is_dunder(name)) TRY(write_field(w, follows, name, item));
    }
    return WRITTEN;
}

/* Slots from the oldest base on, then the instance dictionary. */
static Outcome write_attributes(Writer *w, PyObject *value, int follows)
{
    PyObject *mro = Py_TYPE(value)->tp_mro;
    for (Py_ssize_t i = PyTuple_GET_SIZE(mro); i-- > 0;) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (declares_slots(base)) TRY(write_slots(w, value, base, &follows));
    }
    PyObject *dict = instance_dict(value);
    if (dict == NULL) return WRITTEN;
    Outcome outcome = write_dict_fields(w, dict, &follows);
    Py_DECREF(dict);
    return outcome;
}

/* Writes `Name.MEMBER` and sets *done if the value is an enum's member. */
static Outcome write_enum_member(Writer *w, PyObject *value, int *done)
{
    *done = 0;
    if (!is_enum(Py_TYPE(value))) return WRITTEN;
    PyObject *dict = instance_dict(value), *member = find(dict, name_enum);
    Outcome outcome = WRITTEN;
    if (member != NULL && PyUnicode_CheckExact(member)) {
        *done = 1;
        outcome = emit_type_name(w, Py_TYPE(value));
        if (outcome == WRITTEN) outcome = emit(w->text, ".", 1);
        if (outcome == WRITTEN) outcome = text_append_unicode(w->text, member);
    }
    Py_XDECREF(dict);
    return outcome;
}

typedef Outcome (*Body)(Writer *, PyObject *);

static Outcome write_namedtuple(Writer *w, PyObject *value, PyObject *names)
{
    int follows = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        TRY(write_field(w, &follows, PyTuple_GET_ITEM(names, i), PyTuple_GET_ITEM(value, i)));
    }
    return write_attributes(w, value, follows);
}

static Outcome write_exception_body(Writer *w, PyObject *value)
{
    PyObject *arguments = ((PyBaseExceptionObject *)value)->args;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); i++) {
        TRY(separate(w, i));
        TRY(write_value(w, PyTuple_GET_ITEM(arguments, i)));
    }
    return write_attributes(w, value, PyTuple_GET_SIZE(arguments) > 0);
}

static Outcome write_object_body(Writer *w, PyObject *value, Body base)
{
    if (base == write_exception_body) return write_exception_body(w, value);
    PyObject *names = base == write_tuple ? namedtuple_fields(value) : NULL;
    if (names != NULL) return write_namedtuple(w, value, names);
    if (base != NULL) TRY(base(w, value));
    return write_attributes(w, value, base != NULL);
}

/* `Name(...)` around the base type's part, if there is one, and the attributes. */
static Outcome write_object(Writer *w, PyObject *value, Body base)
{
    int done, inside;
    TRY(write_enum_member(w, value, &done));
    if (done) return WRITTEN;
    TRY(emit_type_name(w, Py_TYPE(value)));
    /* The next address tells the object from its base part, which may have brackets of its own. */
    TRY(enter(w, (const char *)value + 1, "(", &inside));
    if (inside) TRY(write_object_body(w, value, base));
    return leave(w, ")", inside);
}

static Outcome write_instance(Writer *w, PyObject *value)
{
    PyObject *dict = instance_dict(value);
    Py_XDECREF(dict);
    if (dict != NULL || has_slots(Py_TYPE(value))) return write_object(w, value, NULL);
    TRY(emit(w->text, "<", 1));
    TRY(emit_type_name(w, Py_TYPE(value)));
    return emit(w->text, ">", 1);
}

/* How the part of an instance that a built-in base type holds is written; NULL if there is none. */
static Body base_body(PyTypeObject *type)
{
    if (PyType_FastSubclass(type, Py_TPFLAGS_LONG_SUBCLASS)) return write_int;
    if (PyType_IsSubtype(type, &PyFloat_Type)) return write_float;
    if (PyType_IsSubtype(type, &PyComplex_Type)) return write_complex;
    if (PyType_FastSubclass(type, Py_TPFLAGS_UNICODE_SUBCLASS)) return write_str;
    if (PyType_FastSubclass(type, Py_TPFLAGS_BYTES_SUBCLASS)) return write_bytes;
    if (PyType_IsSubtype(type, &PyByteArray_Type)) return write_bytearray;
    if (PyType_FastSubclass(type, Py_TPFLAGS_LIST_SUBCLASS)) return write_list;
    if (PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS)) return write_tuple;
    if (PyType_IsSubtype(type, defaultdict_type)) return write_defaultdict_body;
    if (PyType_IsSubtype(type, &PyODict_Type)) return write_ordered_dict;
    if (PyType_FastSubclass(type, Py_TPFLAGS_DICT_SUBCLASS)) return write_dict;
    if (PyType_IsSubtype(type, &PySet_Type)) return write_set;
    if (PyType_IsSubtype(type, &PyFrozenSet_Type)) return write_frozenset;
    if (PyType_IsSubtype(type, deque_type)) return write_deque_body;
    if (PyType_FastSubclass(type, Py_TPFLAGS_BASE_EXC_SUBCLASS)) return write_exception_body;
    return NULL;
}

/* Whether the type is a C type of the standard library whose own `repr` is short and calls nothing foreign. */
static int is_plain_library_value(PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (!Py_IS_TYPE(type, &PyType_Type)) return 0;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE && !(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) return 0;
    const char *name = type->tp_name;
    if (strcmp(name, "datetime.date") == 0 || strcmp(name, "datetime.timedelta") == 0) return 1;
    if (strcmp(name, "decimal.Decimal") == 0) return 1;
    if (strcmp(name, "datetime.datetime") != 0 && strcmp(name, "datetime.time") != 0) return 0;
    PyObject *zone = PyObject_GetAttrString(value, "tzinfo");
    PyErr_Clear();
    Py_XDECREF(zone);
    return zone == Py_None;
}

static Outcome write_subclass_or_instance(Writer *w, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    Body base = base_body(type);
    if (base != NULL) return write_object(w, value, base);
    if (PyType_FastSubclass(type, Py_TPFLAGS_TYPE_SUBCLASS)) return write_class(w, value);
    if (PyModule_Check(value)) return write_module(w, value);
    if (is_plain_library_value(value)) return write_own_repr(w, value);
    return write_instance(w, value);
}

/* How the values of exactly this type are written, or NULL. */
static Body exact_body(PyTypeObject *type)
{
    if (type == &PyLong_Type) return write_int;
    if (type == &PyUnicode_Type) return write_str;
    if (type == &PyList_Type) return write_list;
    if (type == &PyTuple_Type) return write_tuple;
    if (type == &PyDict_Type) return write_dict;
    if (type == &PyFloat_Type) return write_float;
    if (type == &PySet_Type) return write_set;
    if (type == &PyFrozenSet_Type) return write_frozenset;
    if (type == &PyFunction_Type) return write_function;
    if (type == &PyBytes_Type) return write_bytes;
    if (type == &PyByteArray_Type) return write_bytearray;
    if (type == &PyComplex_Type) return write_complex;
    if (type == deque_type) return write_deque;
    if (type == &PyDictKeys_Type || type == &PyDictValues_Type || type == &PyDictItems_Type) return write_view;
    if (type == &PyRange_Type) return write_range;
    if (type == &PySlice_Type) return write_slice;
    if (type == &PyType_Type) return write_class;
    if (type == &PyModule_Type) return write_module;
    if (type == &PyCFunction_Type) return write_builtin;
    if (type == &PyMethod_Type) return write_method;
    if (type == &PyMethodDescr_Type || type == &PyWrapperDescr_Type) return write_own_repr;
    if (type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type) return write_generator;
    return write_subclass_or_instance;
}

static Outcome write_value(Writer *w, PyObject *value)
{
    w->walk->visits++;
    if (w->in_set && w->walk->visits > SET_WORK * w->text->limit) return OVERWORK;
    if (value == Py_None) return emit(w->text, "None", 4);
    if (value == Py_True) return emit(w->text, "True", 4);
    if (value == Py_False) return emit(w->text, "False", 5);
    if (value == Py_Ellipsis) return emit_string(w->text, "Ellipsis");
    if (value == Py_NotImplemented) return emit_string(w->text, "NotImplemented");
    return exact_body(Py_TYPE(value))(w, value);
}

/* ---- the two texts ---- */

static Outcome finish(Text *text, Outcome outcome)
{
    if (outcome != CUT) return outcome;
    TRY(reserve(text, 3));
    memcpy(text->data + text->bytes, "...", 3);
    text->bytes += 3;
    text->chars += 3;
    return WRITTEN;
}

Outcome canonical_write(Text *text, PyObject *value)
{
    Walk walk;
    walk.visits = walk.depth = 0;
    Writer writer = {text, &walk, 0};
    text->bytes = text->chars = 0;
    return finish(text, write_value(&writer, value));
}

static Outcome write_message(Writer *w, PyObject *error)
{
    PyObject *arguments = ((PyBaseExceptionObject *)error)->args;
    TRY(emit_type_name(w, Py_TYPE(error)));
    if (PyTuple_GET_SIZE(arguments) == 0) return WRITTEN;
    TRY(emit(w->text, ": ", 2));
    if (PyTuple_GET_SIZE(arguments) > 1) return write_value(w, arguments);
    PyObject *message = PyTuple_GET_ITEM(arguments, 0);
    if (PyUnicode_CheckExact(message) && !PyType_IsSubtype(Py_TYPE(error), (PyTypeObject *)PyExc_KeyError)) {
        return text_append_unicode(w->text, message);
    }
    return write_value(w, message);
}

Outcome canonical_write_exception(Text *text, PyObject *error)
{
    Walk walk;
    walk.visits = walk.depth = 0;
    Writer writer = {text, &walk, 0};
    text->bytes = text->chars = 0;
    return finish(text, write_message(&writer, error));
}

int canonical_prepare(void)
{
    PyObject *module = PyImport_ImportModule("_collections");
    if (module == NULL) return -1;
    deque_type = (PyTypeObject *)PyObject_GetAttrString(module, "deque");
    defaultdict_type = (PyTypeObject *)PyObject_GetAttrString(module, "defaultdict");
    Py_DECREF(module);
    if (deque_type == NULL || defaultdict_type == NULL) return -1;
    deque_maxlen = PyObject_GetAttrString((PyObject *)deque_type, "maxlen");
    default_factory = PyObject_GetAttrString((PyObject *)defaultdict_type, "default_factory");
    name_slots = PyUnicode_InternFromString("__slots__");
    name_name = PyUnicode_InternFromString("__name__");
    name_fields = PyUnicode_InternFromString("_fields");
    name_enum = PyUnicode_InternFromString("_name_");
    return deque_maxlen && default_factory && name_slots && name_name && name_fields && name_enum ? 0 : -1;
}
