"""Our addresses against botocore's rule sets: all our services in all regions, with FIPS and dual-stack, and the
styles of S3: the same URL, signing region and signing name, or both refuse."""
import fcntl
import os
import random
import subprocess

import pytest

botocore = pytest.importorskip("botocore")
from botocore import configloader
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError, InvalidConfigError, InvalidRegionError
from botocore.loaders import Loader
from botocore.utils import ensure_boolean, validate_region_name

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
    "monitoring": "cloudwatch",
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


# --- which address is set ---


def random_setting(rng, folder):
    """An environment and a config file that set addresses in some of the ways there are."""
    environ, lines = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HOME": str(folder)}, []
    for name in ("GLUE", "CLOUDWATCH_LOGS", "RESOURCE_GROUPS_TAGGING_API", "SFN", "S3"):
        if rng.random() < 0.3:
            environ[f"AWS_ENDPOINT_URL_{name}"] = rng.choice(["", f"http://env.{name.lower().replace('_', '-')}"])
    if rng.random() < 0.3:
        environ["AWS_ENDPOINT_URL"] = rng.choice(["", "https://env.all:8443"])
    if rng.random() < 0.3:
        environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = rng.choice(["true", "false", "True"])
    profile = rng.choice(["default", "other"])
    if profile != "default":
        environ["AWS_PROFILE"] = profile
    lines += ["[default]", "region = eu-west-1", "[profile other]", "region = eu-west-1"]
    for setting, values in (("endpoint_url", ["http://profile.all"]), ("services", ["mine", "yours", "gone", "gone"]),
                            ("ignore_configured_endpoint_urls", ["true", "false"])):
        if rng.random() < 0.4:
            lines.append(f"{setting} = {rng.choice(values)}")
    lines += ["[services mine]", "glue =", "  endpoint_url = http://mine.glue", "secrets_manager =", "  endpoint_url = http://mine.secrets",
              "[services yours]", "cloudwatch_logs =", "    endpoint_url = http://yours.logs", "sfn =", "  other = x"]
    (folder / "config").write_text("\n".join(lines) + "\n")
    return environ, profile


def their_configured(environ, profile, folder):
    config = configloader.multi_file_load_config(str(folder / "config"))
    scoped = config["profiles"].get(profile, {})
    ignore = environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", scoped.get("ignore_configured_endpoint_urls"))
    found = {}
    for ours_id, name in SERVICES.items():
        if ignore is not None and ensure_boolean(ignore):
            found[ours_id] = ""
            continue
        try:
            found[ours_id] = ConfiguredEndpointProvider(config, scoped, name, environ).provide() or ""
        except InvalidConfigError:
            return None  # ours refuses such a file as a whole
    return found


def test_configured_addresses(tmp_path):
    """In botocore's order, for random environments and files."""
    rng = random.Random(7)
    program, refused, configured = tool(), 0, 0
    for _ in range(150):
        environ, profile = random_setting(rng, tmp_path)
        out = subprocess.run([program, "configured"], env=environ, stdout=subprocess.PIPE, check=True, text=True).stdout
        expected = their_configured(environ, profile, tmp_path)
        if expected is None:
            assert out.startswith("refused: services at "), f"{environ}\n{out}"
            refused += 1
            continue
        got = dict(line.split("\t") for line in out.splitlines())
        assert got == expected, f"{environ}\n{(tmp_path / 'config').read_text()}"
        configured += any(got.values())
    assert refused > 3 and configured > 50
