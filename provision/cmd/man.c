/* The manual page, made of the tables that make --help: `glueproj help --man`. */
#include <stdio.h>
#include <string.h>
#include "cmd.h"

/* Text as roff takes it: dashes that can be copied, no line that is a request. */
static void add_text(struct strbuf *sb, const char *text)
{
	for (const char *c = text; *c; c++) {
		bool at_start = !sb->len || sb->buf[sb->len - 1] == '\n';
		if (at_start && (*c == '.' || *c == '\''))
			strbuf_addstr(sb, "\\&");
		if (*c == '\\')
			strbuf_addstr(sb, "\\e");
		else if (*c == '-')
			strbuf_addstr(sb, "\\-");
		else
			strbuf_addch(sb, *c);
	}
}

static void add_options(struct strbuf *sb, const struct opt *o)
{
	for (; o && o->name; o++) {
		strbuf_addstr(sb, ".TP\n.B ");
		if (o->letter)
			strbuf_addf(sb, "\\-%c\\fR, \\fB", o->letter);
		strbuf_addstr(sb, "\\-\\-");
		add_text(sb, o->name);
		if (o->arg) {
			strbuf_addstr(sb, o->kind == OPT_OPTIONAL ? "\\fR[=\\fI" : " \\fI");
			add_text(sb, o->arg);
			strbuf_addstr(sb, o->kind == OPT_OPTIONAL ? "\\fR]" : "\\fR");
		}
		strbuf_addch(sb, '\n');
		add_text(sb, o->help);
		strbuf_addch(sb, '\n');
	}
}

static void add_command(struct strbuf *sb, const struct command *c)
{
	strbuf_addstr(sb, ".SS \"glueproj ");
	add_text(sb, c->name);
	if (*c->operands) {
		strbuf_addch(sb, ' ');
		add_text(sb, c->operands);
	}
	strbuf_addstr(sb, "\"\n");
	add_text(sb, c->help);
	strbuf_addstr(sb, ".\n");
	add_options(sb, c->opts);
	strbuf_addstr(sb, ".PP\n.nf\n");
	add_text(sb, c->examples);
	strbuf_addstr(sb, ".fi\n");
}

void man_print(void)
{
	static const struct {
		const char *name, *text;
	} environment[] =
		{
			{"GLUEPROJ_PARAM_<Name>", "the template parameter <Name>"},
			{"GLUEPROJ_PROJECT, _CONFIG, _LOCAL, _PARALLEL, _OUTPUT, _ENDPOINT_URL",
				"stand for the options of these names"},
			{"NO_COLOR", "as --no-color"},
			{"AWS_*", "region, profile, keys and endpoints as everywhere; not looked "
				  "at with "
				  "--local"},
		},
	  exits[] = {
		  {"0", "done"},
		  {"1", "something failed, was refused, or was left behind"},
		  {"2", "an error in the command line, a template or the configuration; nothing "
			"was "
			"changed"},
		  {"3", "plan --detailed-exitcode with changes"},
		  {"4", "another run is changing the project"},
		  {"130, 143", "interrupted, ended"},
	  };
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, ".TH GLUEPROJ 1 \"\" \"glueproj %s\"\n", GLUEPROJ_VERSION);
	strbuf_addstr(&sb, ".SH NAME\nglueproj \\- data pipelines on AWS Glue from "
			   "CloudFormation\\-style stacks\n"
			   ".SH SYNOPSIS\n.B glueproj\n.I COMMAND\n[options]\n.SH COMMANDS\n");
	for (const struct command *c = commands; c->name; c++)
		add_command(&sb, c);
	strbuf_addstr(&sb, ".SH OPTIONS EVERYWHERE\n");
	add_options(&sb, common_opts);
	strbuf_addstr(&sb, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++) {
		strbuf_addf(&sb, ".TP\n.B %s\n", environment[i].name);
		add_text(&sb, environment[i].text);
		strbuf_addch(&sb, '\n');
	}
	strbuf_addstr(&sb, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(exits); i++) {
		strbuf_addf(&sb, ".TP\n.B %s\n", exits[i].name);
		add_text(&sb, exits[i].text);
		strbuf_addch(&sb, '\n');
	}
	fwrite(sb.buf, 1, sb.len, stdout);
	strbuf_release(&sb);
}
