"""Our addresses against botocore's rule sets: all our services in all regions, with FIPS and dual-stack, and the
styles of S3: the same URL, signing region and signing name, or both refuse."""
import fcntl
import os
import subprocess

import pytest

botocore = pytest.importorskip("botocore")
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError, InvalidRegionError
from botocore.loaders import Loader
from botocore.utils import validate_region_name

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))
FIPS, DUALSTACK, GLOBAL, PATH_STYLE = 1, 2, 4, 8

# Ours -> the folder of botocore's data.
SERVICES = {
    "athena": "athena",
    "events": "events",
    "glue": "glue",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "redshift-data": "redshift-data",
    "redshift-serverless": "redshift-serverless",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "states": "stepfunctions",
    "sts": "sts",
    "tagging": "resourcegroupstaggingapi",
}
# Of tomorrow, and names that are none.
MORE_REGIONS = ["us-east-9", "eu-north-7", "cn-south-3", "us-gov-north-1", "us-iso-north-1", "not_a_region", "-x", "a.b"]
BUCKETS = ["my-bucket", "my.dotted.bucket", "Old_Upper.Name", "old_underscore", "ab", "x" * 63, "x" * 64, "-dash", "dash-",
           "192.168.7.1", "xn--punycode", "0digits"]
LOADER = Loader()
PARTITIONS = LOADER.load_data("partitions")


def all_regions():
    """What botocore names as a region anywhere, the partitions' pseudo-regions included."""
    regions = [r for p in PARTITIONS["partitions"] for r in p["regions"]]
    for partition in LOADER.load_data("endpoints")["partitions"]:
        regions += [r for r in partition["regions"] if r not in regions]
    return regions


def tool():
    path = os.path.join(os.path.relpath(BUILD, ROOT), "conformance", "endpoint_tool")
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, ".endpoint_tool.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", f"BUILD={os.path.relpath(BUILD, ROOT)}", path], cwd=ROOT, check=True)
    return os.path.join(ROOT, path)


def ours(questions):
    text = "".join("\t".join(map(str, q)) + "\n" for q in questions)
    out = subprocess.run([tool()], input=text, stdout=subprocess.PIPE, check=True, text=True).stdout
    answers = [None if line.startswith("refused: ") else tuple(line.split("\t")) for line in out.splitlines()]
    assert len(answers) == len(questions)
    return answers


def theirs(providers, service, region, bucket, variants):
    params = {"Region": region, "UseFIPS": bool(variants & FIPS), "UseDualStack": bool(variants & DUALSTACK)}
    if service in ("s3", "sts"):
        params["UseGlobalEndpoint"] = bool(variants & GLOBAL)
    if service == "s3":
        params.update(Accelerate=False, ForcePathStyle=bool(variants & PATH_STYLE))
        if bucket:
            params["Bucket"] = bucket
    try:
        validate_region_name(region)
        endpoint = providers[service].resolve_endpoint(**params)
    except (EndpointProviderError, InvalidRegionError):
        return None
    scheme = ((endpoint.properties or {}).get("authSchemes") or [{}])[0]
    model = LOADER.load_service_model(SERVICES[service], "service-2")["metadata"]
    name = scheme.get("signingName") or model.get("signingName") or model["endpointPrefix"]
    return endpoint.url, scheme.get("signingRegion") or region, name


@pytest.fixture(scope="module")
def providers():
    return {s: EndpointProvider(LOADER.load_service_model(d, "endpoint-rule-set-1"), PARTITIONS)
            for s, d in SERVICES.items()}


def differences(providers, questions):
    assert questions
    wrong = []
    refused = 0
    for question, got in zip(questions, ours(questions)):
        expected = theirs(providers, *question)
        refused += expected is None
        if got != expected:
            wrong.append(f"{question}: {got}, not {expected}")
    assert refused < len(questions) // 2
    return wrong[:20]


def test_every_service_in_every_region(providers):
    regions = all_regions()
    assert len(regions) > 40
    questions = [(s, r, "", v) for s in SERVICES for r in regions + MORE_REGIONS for v in range(4)]
    assert differences(providers, questions) == []


def test_the_one_host_of_old(providers):
    """sts_regional_endpoints and us_east_1_regional_endpoint = legacy."""
    questions = [(s, r, "", v | GLOBAL) for s in ("s3", "sts") for r in all_regions() for v in range(4)]
    assert differences(providers, questions) == []


def test_buckets_in_host_and_path(providers):
    regions = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "aws-global"]
    questions = [("s3", r, b, v) for r in regions for b in BUCKETS for v in range(16)]
    assert differences(providers, questions) == []


def test_what_is_no_bucket_is_refused():
    names = ["arn:aws:s3:us-east-1:123456789012:accesspoint/ap", "shop--use1-az1--x-s3"]
    assert ours([("s3", "us-east-1", n, 0) for n in names]) == [None, None]
