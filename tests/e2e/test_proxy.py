"""Through a proxy with a password to a service with a certificate of its own authority: what the AWS CLI's variables say, and nothing secret in print."""
import base64
import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "cloud.example"
PASSWORD = "s3cret-w0rd"


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, extension):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name_of(subject)).issuer_name(name_of(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=2)).add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*things):
    out = b""
    for thing in things:
        if isinstance(thing, x509.Certificate):
            out += thing.public_bytes(serialization.Encoding.PEM)
        else:
            out += thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return out


@pytest.fixture
def authority(tmp_path):
    """ca.pem to trust, server.pem to serve with."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("ca.example", ca_key, "ca.example", ca_key, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = certificate(HOST, key, "ca.example", ca_key, names)
    (tmp_path / "ca.pem").write_bytes(pem(ca))
    (tmp_path / "server.pem").write_bytes(pem(key, server))
    return tmp_path


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def join(one, other):
    threading.Thread(target=pump, args=(one, other), daemon=True).start()
    pump(other, one)


class Listener:
    """Accepts on a free port of the loopback; one thread a connection."""

    def __init__(self, serve):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.serve = self.socket.getsockname()[1], serve
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            self.serve(connection)
        except (OSError, ssl.SSLError):
            connection.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Network:
    """A TLS server before the cloud, and a CONNECT proxy that takes every name for that server's. `seen` is what the proxy was asked."""

    def __init__(self, cloud, folder):
        self.seen, self.folder, self.cloud = [], folder, cloud
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        upstream = ("127.0.0.1", int(cloud.endpoint.rpartition(":")[2]))
        self.tls = Listener(lambda c: join(context.wrap_socket(c, server_side=True), socket.create_connection(upstream)))
        self.proxy = Listener(self.tunnel)

    def tunnel(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return
            head += byte
        self.seen.append(head.decode())
        wanted = base64.b64encode(f"me:{PASSWORD}".encode())
        if b"Proxy-Authorization: Basic " + wanted not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            connection.close()
            return
        target = socket.create_connection(("127.0.0.1", self.tls.port))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        join(connection, target)

    def env(self, password=PASSWORD, **more):
        return {
            **self.cloud.env(f"https://{HOST}"), "AWS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "HTTPS_PROXY": f"http://me:{password}@127.0.0.1:{self.proxy.port}", **more,
        }

    def close(self):
        self.tls.close()
        self.proxy.close()


@pytest.fixture
def network(cloud, authority):
    network = Network(cloud, authority)
    yield network
    network.close()


def test_through_a_proxy_with_a_password(run_glueproj, network):
    result = run_glueproj("whoami", "-v", env=network.env()).ok()
    assert network.cloud.account in result.stdout
    assert network.seen[0].startswith(f"CONNECT {HOST}:443 ")
    assert PASSWORD not in result.stdout + result.stderr
    # The lower-case variable wins, and the profile's bundle does where no variable is set.
    seen = len(network.seen)
    (network.folder / "config").write_text(f"[default]\nca_bundle = {network.folder}/ca.pem\n")
    env = network.env(https_proxy=network.env()["HTTPS_PROXY"], HTTPS_PROXY="http://127.0.0.1:1", AWS_CONFIG_FILE=str(network.folder / "config"))
    del env["AWS_CA_BUNDLE"]
    run_glueproj("whoami", env=env).ok()
    assert len(network.seen) > seen


def test_what_goes_wrong_on_the_way_names_the_place_and_no_password(run_glueproj, network):
    no_trust = network.env(AWS_CA_BUNDLE="")
    cases = [
        (network.env(password="wr0ng-word"), 1, r"the proxy 127\.0\.0\.1:\d+ answers with HTTP status 407"),
        (network.env(HTTPS_PROXY=f"http://me:{PASSWORD}@127.0.0.1:1"), 1, r"through the proxy 127\.0\.0\.1:1 of HTTPS_PROXY"),
        (network.env(HTTPS_PROXY=f"gopher://me:{PASSWORD}@there"), 2, "HTTPS_PROXY: a proxy is"),
        (network.env(NO_PROXY=f"x.example,{HOST}"), 1, f"cannot connect to {HOST}:443"),
        (no_trust, 1, f"cannot trust {HOST}:443"),
        (network.env(AWS_CA_BUNDLE="/nowhere/ca.pem"), 2, "AWS_CA_BUNDLE: /nowhere/ca.pem"),
        (network.env(AWS_ENDPOINT_URL_STS="ftp://x", GLUEPROJ_ENDPOINT_URL=""), 2, "AWS_ENDPOINT_URL_STS"),
    ]
    for env, code, text in cases:
        result = run_glueproj("whoami", "-v", env=env).fails(code, text)
        assert PASSWORD not in result.stdout + result.stderr and "wr0ng-word" not in result.stdout + result.stderr


def test_loopback_is_reached_directly(run_glueproj, network, cloud):
    nowhere = {k: "http://127.0.0.1:1" for k in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    run_glueproj("whoami", env={**cloud.env(), **nowhere}).ok()
    run_glueproj("whoami", env={**network.env(), **cloud.env(f"https://127.0.0.1:{network.tls.port}"), **nowhere}).ok()
    assert not network.seen
