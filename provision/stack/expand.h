#ifndef EXPAND_H
#define EXPAND_H

/*
 * What AWS::LanguageExtensions does before anything else: Fn::ForEach becomes what it stands for, and names and policies that
 * functions give become texts. These hang on parameters alone, so it is done as soon as they have values. Every node keeps the
 * place where it was written.
 */
#include "stack.h"

/* Whether there is anything to do in a template's sections. */
bool expand_is_needed(const struct yaml_node *root);
/* Reads the sections that template_load left. 0, or -1 with errors; nothing to do where the template needs no values. */
int template_expand(struct stack *s, struct err_list *errors, struct err_list *warnings) must_check;

#endif
