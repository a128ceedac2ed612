"""Starts a program of a glueproj bundle: the script of an AWS Glue Python shell job (or of a Spark job's driver).

    --glueproj-bundle s3://BUCKET/…/programs/<sha256>.tar.gz --glueproj-program NAME, and the program's own arguments

Fetches the bundle, checks it against the hash in its name, unpacks it where programs may run, starts the program through
the bundle's own loader with its own libraries, and fails with the program's last error line. The program's arguments go
through a file without a name that it inherits: a command line can be read by every process of the machine, and an
argument may be a key.
"""
import atexit
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading

import boto3

MARGIN_BYTES = 64 << 20
OURS = ("glueproj-bundle", "glueproj-program")
# Where the program gets its keys itself, and new ones when they end in the middle of a long run: the container's
# endpoint and the instance's metadata, as botocore names them.
RENEWED_BY_PROGRAM = ("container-role", "iam-role")


class LauncherError(Exception):
    pass


def split_arguments(words):
    """({option of ours: value}, the words that are the program's)."""
    ours, rest, i = {}, [], 0
    while i < len(words):
        name, equals, value = words[i].partition("=")
        key = name[2:].replace("_", "-") if name.startswith("--") else None
        if key not in OURS:
            rest.append(words[i])
        elif equals:
            ours[key] = value
        else:
            i += 1
            ours[key] = words[i] if i < len(words) else ""
        i += 1
    for key in OURS:
        if not ours.get(key):
            raise LauncherError("--%s is missing" % key)
    return ours, rest


def parse_bundle(uri):
    """(bucket, key, SHA-256) of a bundle's place."""
    match = re.fullmatch(r"s3://([^/]+)/((?:.*/)?([0-9a-f]{64})\.tar\.gz)", uri)
    if not match:
        raise LauncherError("'%s' is no program bundle: its name must be its SHA-256 and .tar.gz" % uri)
    return match.groups()


# --- folders ---
def candidates():
    seen = []
    for folder in (os.environ.get("TMPDIR"), tempfile.gettempdir(), "/tmp", "/var/tmp", os.path.expanduser("~"), os.getcwd(), "/dev/shm"):
        if folder and os.path.isabs(folder) and os.path.isdir(folder) and folder not in seen:
            seen.append(folder)
    return seen


def runs_programs(folder):
    """Whether a program that lies there may run: not so where it is mounted noexec."""
    path = os.path.join(folder, "may-run")
    with open(path, "w") as f:
        f.write("#!/bin/sh\nexit 7\n")
    os.chmod(path, 0o700)
    try:
        return subprocess.call([path], stdin=subprocess.DEVNULL) == 7
    except OSError:
        return False
    finally:
        os.unlink(path)


def make_folder(need_bytes):
    """A new folder with room, under the first one where programs run; removed at the end."""
    reasons = []
    for parent in candidates():
        folder = None
        try:
            folder = tempfile.mkdtemp(prefix="glueproj-", dir=parent)
            if shutil.disk_usage(folder).free < need_bytes:
                reasons.append("%s: less than %d MB free" % (parent, need_bytes >> 20))
            elif not runs_programs(folder):
                reasons.append("%s: programs may not run there" % parent)
            else:
                atexit.register(shutil.rmtree, folder, ignore_errors=True)
                return folder
        except OSError as e:
            reasons.append("%s: %s" % (parent, e.strerror))
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    raise LauncherError("no folder for the program (%s)" % "; ".join(reasons))


# --- the bundle ---
def fetch(session, uri):
    """The root folder of the unpacked bundle."""
    bucket, key, promised = parse_bundle(uri)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    s3 = session.client("s3", endpoint_url=endpoint)
    body = s3.get_object(Bucket=bucket, Key=key)
    size = body["ContentLength"]
    # Packed it is about a third of what it is unpacked; the exact number stands at its end.
    folder = make_folder(5 * size + MARGIN_BYTES)
    path = os.path.join(folder, "bundle.tar.gz")
    digest = hashlib.sha256()
    with open(path, "wb") as f:
        for block in iter(lambda: body["Body"].read(1 << 20), b""):
            digest.update(block)
            f.write(block)
    if digest.hexdigest() != promised:
        raise LauncherError("the bundle '%s' has SHA-256 %s, not that of its name" % (uri, digest.hexdigest()))
    with open(path, "rb") as f:
        f.seek(-4, os.SEEK_END)
        unpacked = struct.unpack("<I", f.read(4))[0]
    if shutil.disk_usage(folder).free < unpacked + MARGIN_BYTES:
        raise LauncherError("the bundle needs %d MB in '%s'" % (unpacked >> 20, folder))
    root = os.path.join(folder, "bundle")
    unpack(path, root)
    os.unlink(path)
    return root


def unpack(path, root):
    os.mkdir(root)
    with tarfile.open(path, "r:gz") as tar:
        members = tar.getmembers()
        for member in members:
            parts = member.name.split("/")
            if not member.isfile() or member.name.startswith("/") or ".." in parts:
                raise LauncherError("the bundle holds '%s', which is no plain file inside it" % member.name)
        if hasattr(tarfile, "data_filter"):
            tar.extractall(root, members, filter="data")
        else:
            tar.extractall(root, members)


# --- the program ---
def command(root, name):
    program, loader, libraries = (os.path.join(root, *p) for p in (("bin", name), ("lib", "ld.so"), ("lib",)))
    if "/" in name or name.startswith(".") or not os.path.isfile(program):
        known = ", ".join(sorted(os.listdir(os.path.join(root, "bin"))))
        raise LauncherError("the bundle has no program '%s'; it has: %s" % (name, known))
    if not os.path.exists(loader):
        return [program]
    words = [loader, "--library-path", libraries]
    with open(loader, "rb") as f:
        if b"--argv0" in f.read():
            words += ["--argv0", name]
    return words + [program]


def environment(session, root):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "PYTHON"))}
    credentials = session.get_credentials()
    if credentials and credentials.method in RENEWED_BY_PROGRAM:
        # The service is asked for a moment at start: patience costs nothing.
        env.setdefault("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "5")
    elif credentials:
        keys = credentials.get_frozen_credentials()
        env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = keys.access_key, keys.secret_key
        env.pop("AWS_SESSION_TOKEN", None)
        env.pop("AWS_PROFILE", None)
        if keys.token:
            env["AWS_SESSION_TOKEN"] = keys.token
    if session.region_name:
        env["AWS_REGION"] = env["AWS_DEFAULT_REGION"] = session.region_name
    if not any(env.get(k) for k in ("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")):
        env["SSL_CERT_FILE"] = os.path.join(root, "etc", "ca.pem")
    scratch = os.path.join(os.path.dirname(root), "tmp")
    os.makedirs(scratch, exist_ok=True)
    env["TMPDIR"] = scratch
    return env


class ErrorLines(threading.Thread):
    """Passes the program's standard error on, and remembers the last line, and the last one of level ERROR."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.last, self.last_error = pipe, "", ""
        self.start()

    def run(self):
        for line in self.pipe:
            try:
                os.write(2, line)
            except OSError:
                pass
            text = line.decode("utf-8", "replace").strip()
            if text:
                self.last = text
            if " ERROR " in text:
                self.last_error = text


def pass_signals_to(process):
    def handler(number, frame):
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        try:
            signal.signal(number, handler)
        except ValueError:  # not the main thread: then signals are somebody else's
            return


def nameless_file(data):
    """A file object whose content no path leads to, at its start."""
    try:
        file = os.fdopen(os.memfd_create("glueproj-arguments"), "w+b")
    except (AttributeError, OSError):  # an older Python, or a kernel that does not let us
        file = tempfile.TemporaryFile()
    file.write(data)
    file.flush()
    file.seek(0)
    return file


def run(words, arguments, env):
    sys.stdout.flush()
    sys.stderr.flush()
    with nameless_file(b"".join(os.fsencode(a) + b"\0" for a in arguments)) as file:
        words = words + ["--glueproj-arguments-fd", str(file.fileno())]
        process = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(file.fileno(),))
    pass_signals_to(process)
    lines = ErrorLines(process.stderr)
    code = process.wait()
    lines.join(10)
    if code == 0:
        return
    if code < 0:
        how = "was ended by signal %d" % -code
    else:
        how = "failed with exit code %d" % code
    raise LauncherError("%s: %s" % (how, lines.last_error or lines.last or "it said nothing"))


def main():
    ours, rest = split_arguments(sys.argv[1:])
    session = boto3.session.Session()
    root = fetch(session, ours["glueproj-bundle"])
    name = ours["glueproj-program"]
    try:
        run(command(root, name), rest, environment(session, root))
    except LauncherError as e:
        raise LauncherError("'%s' %s" % (name, e)) from None
    finally:
        shutil.rmtree(os.path.dirname(root), ignore_errors=True)


if __name__ == "__main__":
    main()
