#ifndef CARRIED_H
#define CARRIED_H

/*
 * A file of the source tree, as it stands, in the program: CARRIED(orders, "provision/…/orders.csv") declares orders[] and
 * orders_end[]. The path is from the top of the tree, where make runs.
 */
#define CARRIED(name, file)                              \
	__asm__(".pushsection .rodata\n"                 \
		".global " #name "\n"                    \
		".global " #name "_end\n" #name ":\n"    \
		".incbin \"" file "\"\n" #name "_end:\n" \
		".byte 0\n"                              \
		".popsection\n");                        \
	extern const char name[], name##_end[]

#endif
