#ifndef SCHEMA_H
#define SCHEMA_H

/*
 * What a resource type's properties are: rows that drive validation, conversion to the API's documents, the effect of
 * a change, and edges by name. The rows themselves live in resource/, one table per type; stack/ gets them by pointer.
 * Tables are static const and end with a {0} row; fields are sorted by nothing, in CloudFormation's documented order.
 */
#include <stdbool.h>
#include <stddef.h>

enum field_kind {
	FIELD_STRING,
	FIELD_INTEGER,
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_JSON, /* free form: an object, or a string that holds one (policies, Configuration) */
	FIELD_OBJECT, /* `fields` */
	FIELD_LIST,   /* of `item`; of objects with `fields` */
	FIELD_MAP,    /* free names to strings; `fields`: what some of them are, secrets say */
	FIELD_TAGS,   /* [{Key,Value}] */
	FIELD_TAG_MAP /* {name: value} */
};

enum field_flags {
	F_REQUIRED = 1 << 0,
	F_REPLACES = 1 << 1,   /* a change makes a new resource */
	F_SECRET = 1 << 2,     /* never shown, as if a NoEcho value had gone into it */
	F_UNORDERED = 1 << 3,  /* a list whose order means nothing */
	F_JSON_TEXT = 1 << 4,  /* FIELD_JSON that goes over the wire as text */
	F_WRITE_ONLY = 1 << 5, /* cannot be read back: not compared with what is live */
	F_LOWER = 1 << 6,      /* AWS stores it in lower case */
	F_LOCAL = 1 << 7,      /* glueproj's or the hook's own: not part of the API document */
	F_NAME_OR_ARN =
		1
		<< 8, /* live value may be the name where the template has the ARN, and the other way */
	F_UNSUPPORTED =
		1 << 9, /* CloudFormation has it, glueproj does not do it yet: a clear error */
	F_FILE =
		1 << 10, /* FIELD_OBJECT: may be the path of a local file, which package/ uploads */
};

struct field {
	const char *name; /* CloudFormation's */
	const char *wire; /* the API's; NULL: the same */
	enum field_kind kind;
	unsigned flags; /* enum field_flags */
	const struct field *fields;
	enum field_kind item;
	const char *const
		*values; /* FIELD_STRING: all that is allowed, NULL-terminated; NULL: anything */
	const char *
		names; /* the resource type that this string names ("AWS::Glue::Job"): an edge by name */
	long long min, max;  /* of integers, or of string lengths; both 0: no limit */
	const char *pattern; /* FIELD_STRING: all of it must match (pattern.h); NULL: anything */
};

enum name_case { NAME_ANY, NAME_LOWER_DASH, NAME_LOWER_UNDERSCORE };

struct attribute {
	const char *name; /* GetAtt's */
	/* "arn:{partition}:glue:{region}:{account}:job/{name}": computed without a call; NULL: read from the live resource. */
	const char *format;
};

/* One more check than the field rows can say. `props` may hold unknown values ({"unknown":true}); append errors. */
struct json;
struct err_list;
struct lint_place;
typedef void schema_check_fn(
	const struct json *props, const struct lint_place *place, struct err_list *errors);

struct type_schema {
	const char *name; /* "AWS::Glue::Job" */
	const struct field *fields;
	const char *
		name_field; /* property that gives the physical name, "A.Name|B.Name" where it stands in one of several; NULL: none, always derived */
	enum name_case name_case; /* what a derived name looks like */
	size_t name_max;
	const struct attribute *attributes; /* {0}-terminated */
	const char *
		ref_format; /* what Ref gives when it is not the name; as in struct attribute; NULL: the name */
	const char *name_pattern_hint;     /* for people; NULL */
	bool (*name_ok)(const char *name); /* NULL: anything goes */
	schema_check_fn *check;            /* NULL: none */
	/* calls `add` for what names other resources where no row can say so; NULL: nothing does */
	void (*edges)(const struct json *props,
		void (*add)(void *payload, const char *type, const char *name), void *payload);
	/* the attribute that Ref gives, where only the live resource has it; NULL: as ref_format says */
	const char *ref_attribute;
};

/* Types that templates may use; `find` returns NULL for an unknown one. */
struct schema_set {
	const struct type_schema *const *v;
	size_t nr;
};
const struct type_schema *schema_find(const struct schema_set *set, const char *type);
const struct field *schema_field(const struct field *fields, const char *name);
/* The row at a path: "DatabaseInput.Name". */
const struct field *schema_field_at(const struct field *fields, const char *path);
/* The name_field that counts for these properties: of several the one whose object is there, else the first; malloc'd. NULL: none. */
char *schema_name_path(const struct type_schema *schema, const struct json *props);
/* Expands {partition} {region} {account} {name} and {Property} from props, {Property|otherwise} where it may be missing;
 * malloc'd. */
char *schema_format(const char *format, const char *partition, const char *region,
	const char *account, const char *name, const struct json *props);

#endif
