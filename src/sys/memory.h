/*
 * memory: how the allocator of a process that lives long is set. Must never be needed for correctness.
 */
#ifndef GUARITA_SYS_MEMORY_H
#define GUARITA_SYS_MEMORY_H

/*
 * To be called first in main(): large blocks get pages of their own and give them back, so that tables can grow in
 * place and the heap does not keep holes of the size of the largest one ever freed.
 */
void memory_begin(void);
/* Reading rules takes more than keeping them: what is free goes back to the kernel. */
void memory_trim(void);

#endif
