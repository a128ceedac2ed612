/* launcher.py, as it stands, in the program. */
#include "package.h"

#include <stdint.h>

/* The assembler finds it from the top of the tree, where make runs. */
__asm__(".pushsection .rodata\n"
	".global launcher_begin\n"
	".global launcher_end\n"
	"launcher_begin:\n"
	".incbin \"provision/package/launcher.py\"\n"
	"launcher_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char launcher_begin[], launcher_end[];

const char *launcher_text(size_t *len)
{
	*len = (size_t)((uintptr_t)launcher_end - (uintptr_t)launcher_begin);
	return launcher_begin;
}
