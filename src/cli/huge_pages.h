/* Memory in pages of 2 MB. A page fault costs some microseconds on a virtual machine, and a run of 1.6 GB has
 * hundreds of thousands of them: a fifth less kernel time, and no byte more at the peak (docs/performance.md). */
#ifndef EC_CLI_HUGE_PAGES_H
#define EC_CLI_HUGE_PAGES_H

/* Has the C library ask for huge pages where the kernel gives them to who asks. It reads that wish from the
 * environment when a program starts, hence this starts the program anew, once; it returns where there is nothing to
 * gain, or GLIBC_TUNABLES is set by the user. Call it before anything else is done. */
void ec_huge_pages(const char *program, char **argv);

#endif
