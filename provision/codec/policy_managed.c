/* The AWS-managed policies that pipelines attach, with what they allow. Sorted by name. */
#include "policy.h"

#include <string.h>
#include "xalloc.h"

#define SUFFIX ":iam::aws:policy/"
#define ALLOW(actions)                                                                          \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[" actions \
	"],\"Resource\":\"*\"}]}"

#define GLUE_SERVICE                                                                          \
	"{\"Version\":\"2012-10-17\",\"Statement\":["                                         \
	"{\"Effect\":\"Allow\",\"Action\":[\"glue:*\",\"s3:GetBucketLocation\","              \
	"\"s3:ListBucket\",\"s3:ListAllMyBuckets\",\"s3:GetBucketAcl\","                      \
	"\"ec2:DescribeVpcEndpoints\",\"ec2:DescribeRouteTables\","                           \
	"\"ec2:CreateNetworkInterface\",\"ec2:DeleteNetworkInterface\","                      \
	"\"ec2:DescribeNetworkInterfaces\",\"ec2:DescribeSecurityGroups\","                   \
	"\"ec2:DescribeSubnets\",\"ec2:DescribeVpcAttribute\",\"iam:ListRolePolicies\","      \
	"\"iam:GetRole\",\"iam:GetRolePolicy\",\"cloudwatch:PutMetricData\"],"                \
	"\"Resource\":[\"*\"]},"                                                              \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:CreateBucket\"],"                             \
	"\"Resource\":[\"arn:aws:s3:::aws-glue-*\"]},"                                        \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\","                \
	"\"s3:DeleteObject\"],\"Resource\":[\"arn:aws:s3:::aws-glue-*/*\","                   \
	"\"arn:aws:s3:::*/*aws-glue-*/*\"]},"                                                 \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\"],"                                \
	"\"Resource\":[\"arn:aws:s3:::crawler-public*\",\"arn:aws:s3:::aws-glue-*\"]},"       \
	"{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\"," \
	"\"logs:PutLogEvents\"],\"Resource\":[\"arn:aws:logs:*:*:*:/aws-glue/*\","            \
	"\"arn:aws:logs:*:*:log-group:/aws-glue/*\"]},"                                       \
	"{\"Effect\":\"Allow\",\"Action\":[\"ec2:CreateTags\",\"ec2:DeleteTags\"],"           \
	"\"Condition\":{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":"                      \
	"[\"aws-glue-service-resource\"]}},"                                                  \
	"\"Resource\":[\"arn:aws:ec2:*:*:network-interface/*\","                              \
	"\"arn:aws:ec2:*:*:security-group/*\",\"arn:aws:ec2:*:*:instance/*\"]}]}"

#define GLUE_CONSOLE                                                                        \
	"{\"Version\":\"2012-10-17\",\"Statement\":["                                       \
	"{\"Effect\":\"Allow\",\"Action\":[\"glue:*\",\"s3:ListAllMyBuckets\","             \
	"\"s3:ListBucket\",\"s3:GetBucketLocation\",\"s3:GetBucketAcl\",\"iam:ListRoles\"," \
	"\"iam:GetRole\",\"iam:PassRole\",\"logs:GetLogEvents\","                           \
	"\"logs:DescribeLogStreams\",\"logs:DescribeLogGroups\"],\"Resource\":\"*\"},"      \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],"             \
	"\"Resource\":[\"arn:aws:s3:::aws-glue-*/*\",\"arn:aws:s3:::*/*aws-glue-*/*\","     \
	"\"arn:aws:s3:::aws-glue-*\"]}]}"

#define ATHENA_FULL                                                                            \
	"{\"Version\":\"2012-10-17\",\"Statement\":["                                          \
	"{\"Effect\":\"Allow\",\"Action\":[\"athena:*\"],\"Resource\":[\"*\"]},"               \
	"{\"Effect\":\"Allow\",\"Action\":[\"glue:CreateDatabase\",\"glue:DeleteDatabase\","   \
	"\"glue:GetCatalog\",\"glue:GetCatalogs\",\"glue:GetDatabase\",\"glue:GetDatabases\"," \
	"\"glue:UpdateDatabase\",\"glue:CreateTable\",\"glue:DeleteTable\","                   \
	"\"glue:BatchDeleteTable\",\"glue:UpdateTable\",\"glue:GetTable\",\"glue:GetTables\"," \
	"\"glue:BatchCreatePartition\",\"glue:CreatePartition\",\"glue:DeletePartition\","     \
	"\"glue:BatchDeletePartition\",\"glue:UpdatePartition\",\"glue:GetPartition\","        \
	"\"glue:GetPartitions\",\"glue:BatchGetPartition\"],\"Resource\":[\"*\"]},"            \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetBucketLocation\",\"s3:GetObject\","         \
	"\"s3:ListBucket\",\"s3:ListBucketMultipartUploads\",\"s3:ListMultipartUploadParts\"," \
	"\"s3:AbortMultipartUpload\",\"s3:CreateBucket\",\"s3:PutObject\","                    \
	"\"s3:PutBucketPublicAccessBlock\"],"                                                  \
	"\"Resource\":[\"arn:aws:s3:::aws-athena-query-results-*\"]},"                         \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],"               \
	"\"Resource\":[\"arn:aws:s3:::athena-examples*\"]},"                                   \
	"{\"Effect\":\"Allow\",\"Action\":[\"s3:ListBucket\",\"s3:GetBucketLocation\","        \
	"\"s3:ListAllMyBuckets\"],\"Resource\":[\"*\"]}]}"

const struct policy_managed policy_managed[] = {
	{"AWSGlueConsoleFullAccess", "ANPAJNZGDEOD7MISOVSVI", GLUE_CONSOLE},
	{"AWSGlueSchemaRegistryFullAccess", "ANPAZKAPJZG4HTLHSKPNC",
		ALLOW("\"glue:*Registry*\",\"glue:*Schema*\",\"glue:*Tag*\"")},
	{"AWSLambda_FullAccess", "ANPAZKAPJZG4ONKCBUFWZ",
		ALLOW("\"lambda:*\",\"logs:DescribeLogGroups\",\"iam:PassRole\",\"iam:"
		      "ListRoles\"")},
	{"AWSStepFunctionsFullAccess", "ANPAJXKA6VP3UFBVHDPPA", ALLOW("\"states:*\"")},
	{"AWSStepFunctionsReadOnlyAccess", "ANPAJONHB2TJQDJPFW5TM",
		ALLOW("\"states:Describe*\",\"states:Get*\",\"states:List*\"")},
	{"AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", ALLOW("\"*\"")},
	{"AmazonAthenaFullAccess", "ANPAIPJMLMD4C7RYZ6XCK", ATHENA_FULL},
	{"AmazonEventBridgeFullAccess", "ANPAICYA4Q3MUIRGBBRDU", ALLOW("\"events:*\"")},
	{"AmazonRedshiftDataFullAccess", "ANPAZKAPJZG4EKOHHJ7NL",
		ALLOW("\"redshift-data:*\",\"redshift-serverless:GetCredentials\"")},
	{"AmazonRedshiftFullAccess", "ANPAISEKCHH4YDB46B5ZO",
		ALLOW("\"redshift:*\",\"redshift-serverless:*\",\"redshift-data:*\"")},
	{"AmazonS3FullAccess", "ANPAIFIR6V6BVTRAHWINE", ALLOW("\"s3:*\",\"s3-object-lambda:*\"")},
	{"AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M",
		ALLOW("\"s3:Get*\",\"s3:List*\",\"s3:Describe*\",\"s3-object-lambda:Get*\","
		      "\"s3-object-lambda:List*\"")},
	{"AmazonSNSFullAccess", "ANPAJWEKLCXXUNT2SOLSG", ALLOW("\"sns:*\"")},
	{"AmazonSQSFullAccess", "ANPAI65L554VRJ33ECQS6", ALLOW("\"sqs:*\"")},
	{"CloudWatchFullAccess", "ANPAIKEABORKUXN6DEAZU",
		ALLOW("\"cloudwatch:*\",\"logs:*\",\"sns:*\"")},
	{"CloudWatchLogsFullAccess", "ANPAJ3ZGNWK2R5HW5BQFO",
		ALLOW("\"logs:*\",\"cloudwatch:GenerateQuery\"")},
	{"CloudWatchLogsReadOnlyAccess", "ANPAJ2YIYDYSNNEHK3VKW",
		ALLOW("\"logs:Describe*\",\"logs:Get*\",\"logs:List*\",\"logs:StartQuery\","
		      "\"logs:StopQuery\",\"logs:TestMetricFilter\",\"logs:FilterLogEvents\"")},
	{"PowerUserAccess", "ANPAJYRXTHIB4FOVS3ZXS",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":["
		"\"iam:*\",\"organizations:*\",\"account:*\"],\"Resource\":\"*\"},{\"Effect\":"
		"\"Allow\",\"Action\":[\"iam:ListRoles\",\"iam:CreateServiceLinkedRole\","
		"\"iam:DeleteServiceLinkedRole\"],\"Resource\":\"*\"}]}"},
	{"ReadOnlyAccess", "ANPAILL3HVNFSB6DCOWYQ",
		ALLOW("\"s3:Get*\",\"s3:List*\",\"glue:Get*\",\"glue:List*\",\"glue:BatchGet*\","
		      "\"glue:Search*\",\"athena:Get*\",\"athena:List*\",\"athena:BatchGet*\","
		      "\"logs:Describe*\",\"logs:Get*\",\"logs:FilterLogEvents\",\"logs:List*\","
		      "\"iam:Get*\",\"iam:List*\",\"tag:Get*\",\"states:Describe*\",\"states:List*"
		      "\","
		      "\"states:Get*\",\"events:Describe*\",\"events:List*\"")},
	{"SecretsManagerReadWrite", "ANPAI3VG7CI5BIQZQ6G2E", ALLOW("\"secretsmanager:*\"")},
	{"job-function/ViewOnlyAccess", "ANPAID22R6XPJATWOFDK6",
		ALLOW("\"s3:ListAllMyBuckets\",\"s3:ListBucket\",\"glue:List*\",\"athena:List*\","
		      "\"logs:Describe*\",\"iam:List*\"")},
	{"service-role/AWSGlueServiceNotebookRole", "ANPAIMRC6VZUHJYCTKWFI", GLUE_SERVICE},
	{"service-role/AWSGlueServiceRole", "ANPAIRUJCPEBPMEZFAS32", GLUE_SERVICE},
	{"service-role/AWSLambdaBasicExecutionRole", "ANPAJNCQGXC42545SKXIK",
		ALLOW("\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"")},
	{"service-role/AWSLambdaRole", "ANPAJX4DPCRGTC4NFDUXI", ALLOW("\"lambda:InvokeFunction\"")},
	{"service-role/AmazonRedshiftAllCommandsFullAccess", "ANPAZKAPJZG4I24TFWDGO",
		ALLOW("\"s3:GetObject\",\"s3:ListBucket\",\"s3:GetBucketLocation\",\"s3:"
		      "PutObject\","
		      "\"glue:Get*\",\"glue:BatchGet*\",\"athena:Get*\"")},
};
const size_t policy_nr_managed = ARRAY_SIZE(policy_managed);

const struct policy_managed *policy_managed_find(const char *arn)
{
	const char *partition_end = starts_with(arn, "arn:") ? strchr(arn + 4, ':') : NULL;

	if (!partition_end || !starts_with(partition_end, SUFFIX))
		return NULL;
	for (size_t i = 0; i < policy_nr_managed; i++)
		if (!strcmp(policy_managed[i].name, partition_end + strlen(SUFFIX)))
			return &policy_managed[i];
	return NULL;
}
