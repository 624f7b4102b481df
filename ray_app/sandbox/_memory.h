/* Where the server's memory lies, so that its children are cheap: see _memory.c. */

#ifndef SEMRAY_MEMORY_H
#define SEMRAY_MEMORY_H

/* For a server at its start, while it may still read /proc and map executable memory: moves the interpreter's code to
   huge pages, and makes room for its heap to lie on some. Where the kernel refuses, this costs time only. */
void memory_arrange(void);

/* Before the first child is forked, and after the last Python code that the server runs. */
void memory_settle(void);

#endif
