"""Everybody who gives AWS keys, in one server on loopback, each by its published protocol and strict about it:

    /latest/…                       the instance's metadata, IMDSv2 ("Use IMDSv2" of the EC2 user guide)
    /v2/credentials/…               the container's endpoint (ECS, EKS Pod Identity)
    /token                          IAM Identity Center's OIDC: CreateToken with a refresh token
    /federation/credentials         IAM Identity Center's portal: GetRoleCredentials
    /github/token                   GitHub Actions' OIDC tokens
    POST /                          STS: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity; signatures are botocore's to check

Keys are made of who they are for, so that two clients that ask the same get the same access key. What `faults` holds for a path comes
first: (status, body) or a number of seconds to be silent. `requests` is what was asked.
"""
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

import botocore.auth
import botocore.awsrequest
import botocore.credentials

ACCOUNT = "123456789012"
HOUR = 3600


def iso(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Refused(Exception):
    """An error reply of STS."""

    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.status = code, status


class Key:
    def __init__(self, access_key_id, secret, token, arn, expires):
        self.id, self.secret, self.token, self.arn, self.expires = access_key_id, secret, token, arn, expires


class Role:
    """Who may assume it: ARNs as a prefix, or web identity tokens; and with what."""

    def __init__(self, trusts=(), external_id=None, mfa=None, web=False):
        self.trusts, self.external_id, self.mfa, self.web = trusts, external_id, mfa, web


class Providers:
    def __init__(self):
        self.keys, self.roles, self.web_tokens, self.requests, self.faults = {}, {}, {}, [], {}
        self.imds_role, self.imds_tokens, self.imds_v1 = "instance-role", set(), False
        self.container_token = None
        self.sso = {}  # access token -> end
        self.refresh_tokens = {}  # refresh token -> (client id, client secret)
        self.sso_roles = {("111122223333", "Analyst")}
        self.github_bearer, self.github_subject = "gh-request-token", "repo:o/r:ref:refs/heads/main"
        self.codes = {}  # MFA serial -> code
        self.life = HOUR  # of what is given out
        self.serial = None  # a count makes each issue another key
        self.revoked = set()  # access key ids that STS calls expired, whatever they were given with
        self.lock = threading.Lock()

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"providers": self}))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def asked(self, path):
        return [r for r in self.requests if r[1].split("?")[0] == path]

    def user(self, access_key_id, secret):
        """Keys of a user, which never end."""
        self.keys[access_key_id] = Key(access_key_id, secret, None, f"arn:aws:iam::{ACCOUNT}:user/{access_key_id.lower()}", None)

    def issue(self, kind, who, arn, life=None):
        """Keys that end; known to STS from here on."""
        with self.lock:
            if self.serial is not None:
                self.serial += 1
                who = f"{who}#{self.serial}"
            name = hashlib.sha256(f"{kind}|{who}".encode()).hexdigest()
            key = Key(
                "ASIA" + kind.upper()[:4].ljust(4, "X") + name[:8].upper(), "secret/" + name[8:40], "token+" + name[40:] + "==", arn,
                time.time() + (self.life if life is None else life),
            )
            self.keys[key.id] = key
            return key


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    providers = None

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json", **headers):
        body = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self, method):
        p, (path, _, query) = self.providers, self.path.partition("?")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = dict(urllib.parse.parse_qsl(query))
        with p.lock:
            p.requests.append((method, self.path, dict(self.headers), self.body))
            fault = p.faults[path].pop(0) if p.faults.get(path) else None
        if isinstance(fault, (int, float)):
            time.sleep(fault)
            self.close_connection = True
            return
        if fault:
            self.reply(*fault)
        elif path.startswith("/latest/"):
            self.imds(method, path)
        elif path.startswith("/v2/credentials/"):
            self.container(method, path)
        elif path == "/token":
            self.create_token(method)
        elif path == "/federation/credentials":
            self.role_credentials(method)
        elif path == "/github/token":
            self.github(method)
        elif path == "/" and method == "POST":
            self.sts()
        else:
            self.reply(404, {"message": f"nothing is at {path}"})

    def do_GET(self):
        self.handle_one("GET")

    def do_PUT(self):
        self.handle_one("PUT")

    def do_POST(self):
        self.handle_one("POST")

    # --- the instance ---

    def imds(self, method, path):
        p = self.providers
        if self.headers.get("X-Forwarded-For"):
            self.reply(403, "", "text/plain")
        elif path == "/latest/api/token":
            ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            if p.imds_v1:
                self.reply(404, "", "text/plain")
            elif method != "PUT":
                self.reply(405, "", "text/plain")
            elif not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
                self.reply(400, "", "text/plain")
            else:
                p.imds_tokens.add(f"imds-{len(p.imds_tokens)}==")
                self.reply(200, f"imds-{len(p.imds_tokens) - 1}==", "text/plain", X_aws_ec2_metadata_token_ttl_seconds=ttl)
        elif method != "GET" or (not p.imds_v1 and self.headers.get("X-aws-ec2-metadata-token") not in p.imds_tokens):
            self.reply(401, "", "text/plain")
        elif path == "/latest/meta-data/iam/security-credentials/":
            self.reply(200 if p.imds_role else 404, p.imds_role or "", "text/plain")
        elif path == f"/latest/meta-data/iam/security-credentials/{p.imds_role}":
            key = p.issue("imds", p.imds_role, f"arn:aws:sts::{ACCOUNT}:assumed-role/{p.imds_role}/i-1234")
            self.reply(200, json.dumps({
                "Code": "Success", "LastUpdated": iso(time.time()), "Type": "AWS-HMAC", "AccessKeyId": key.id, "SecretAccessKey": key.secret,
                "Token": key.token, "Expiration": iso(key.expires),
            }), "text/plain")
        else:
            self.reply(404, "", "text/plain")

    # --- the container ---

    def container(self, method, path):
        p = self.providers
        if method != "GET" or (p.container_token and self.headers.get("Authorization") != p.container_token):
            self.reply(401, {"message": "the authorization token is wrong"})
            return
        key = p.issue("cont", path, f"arn:aws:sts::{ACCOUNT}:assumed-role/task/1")
        self.reply(200, {
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/task", "AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": key.token,
            "Expiration": iso(key.expires),
        })

    # --- IAM Identity Center ---

    def create_token(self, method):
        p = self.providers
        try:
            given = json.loads(self.body)
        except ValueError:
            given = {}
        if method != "POST" or set(given) != {"clientId", "clientSecret", "grantType", "refreshToken"} or self.headers.get("Authorization"):
            self.reply(400, {"error": "invalid_request", "error_description": "members"}, x_amzn_ErrorType="InvalidRequestException")
        elif given["grantType"] != "refresh_token":
            self.reply(400, {"error": "unsupported_grant_type"}, x_amzn_ErrorType="UnsupportedGrantTypeException")
        elif p.refresh_tokens.pop(given["refreshToken"], None) != (given["clientId"], given["clientSecret"]):
            self.reply(400, {"error": "invalid_grant", "error_description": "Invalid refresh token"}, x_amzn_ErrorType="InvalidGrantException")
        else:
            token, again = f"sso-access-{len(p.requests)}", f"sso-refresh-{len(p.requests)}"
            p.sso[token] = time.time() + HOUR
            p.refresh_tokens[again] = (given["clientId"], given["clientSecret"])
            self.reply(200, {"accessToken": token, "expiresIn": HOUR, "refreshToken": again, "tokenType": "Bearer"})

    def role_credentials(self, method):
        p = self.providers
        account, role = self.query.get("account_id"), self.query.get("role_name")
        if method != "GET" or set(self.query) != {"account_id", "role_name"}:
            self.reply(400, {"message": "parameters"}, x_amzn_ErrorType="InvalidRequestException")
        elif p.sso.get(self.headers.get("x-amz-sso_bearer_token"), 0) <= time.time():
            self.reply(401, {"message": "Session token not found or invalid"}, x_amzn_ErrorType="UnauthorizedException")
        elif (account, role) not in p.sso_roles:
            self.reply(403, {"message": "No access"}, x_amzn_ErrorType="ForbiddenException")
        else:
            key = p.issue("sso", f"{account}/{role}", f"arn:aws:sts::{account}:assumed-role/AWSReservedSSO_{role}_1/me")
            self.reply(200, {"roleCredentials": {
                "accessKeyId": key.id, "secretAccessKey": key.secret, "sessionToken": key.token, "expiration": int(key.expires * 1000),
            }})

    # --- GitHub ---

    def github(self, method):
        p = self.providers
        if method != "GET" or self.headers.get("Authorization", "").lower() != f"bearer {p.github_bearer}":
            self.reply(401, {"message": "bad bearer"})
        elif not self.query.get("audience") or not self.query.get("api-version"):
            self.reply(400, {"message": "query"})
        else:
            claims = {"aud": self.query["audience"], "sub": p.github_subject, "jti": len(p.requests)}
            body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
            p.web_tokens[f"e30.{body}.c2ln"] = claims
            self.reply(200, {"count": len(body), "value": f"e30.{body}.c2ln"})

    # --- STS ---

    def sts(self):
        form = dict(urllib.parse.parse_qsl(self.body.decode(), strict_parsing=True))
        try:
            if form.get("Version") != "2011-06-15":
                raise Refused("InvalidAction", "no such version", 400)
            action = {
                "AssumeRole": self.assume_role, "AssumeRoleWithWebIdentity": self.assume_with_web, "GetCallerIdentity": self.identity,
            }.get(form.get("Action"))
            if not action:
                raise Refused("InvalidAction", "no such action", 400)
            self.reply(200, (
                f"<{form['Action']}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{form['Action']}Result>{action(form)}"
                f"</{form['Action']}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{form['Action']}Response>"
            ), "text/xml")
        except Refused as e:
            self.reply(e.status, (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{e.code}</Code><Message>{escape(str(e))}</Message></Error>"
                "<RequestId>r-1</RequestId></ErrorResponse>"
            ), "text/xml")

    def signer(self):
        """Whose keys signed it, checked by botocore's own signer."""
        p, line = self.providers, self.headers.get("Authorization", "")
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/sts/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
            line,
        )
        if not found:
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
        key_id, _, region, signed, signature = found.groups()
        key = p.keys.get(key_id)
        if not key or (key.token or None) != self.headers.get("X-Amz-Security-Token"):
            raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.")
        credentials = botocore.credentials.Credentials(key.id, key.secret, key.token)
        request = botocore.awsrequest.AWSRequest(
            method="POST", url=f"{p.endpoint}/", data=self.body, headers={n: self.headers[n] for n in signed.split(";")},
        )
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = botocore.auth.SigV4Auth(credentials, "sts", region)
        wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        if not hmac.compare_digest(wanted, signature):
            raise Refused("SignatureDoesNotMatch", "The request signature we calculated does not match")
        if key_id in p.revoked or (key.expires and key.expires <= time.time()):
            raise Refused("ExpiredToken", "The security token included in the request is expired")
        return key

    def identity(self, _):
        key = self.signer()
        return f"<Arn>{key.arn}</Arn><UserId>AIDA</UserId><Account>{key.arn.split(':')[4]}</Account>"

    def check_duration(self, form):
        seconds = form.get("DurationSeconds", "3600")
        if not seconds.isdigit() or not 900 <= int(seconds) <= 43200:
            raise Refused("ValidationError", "DurationSeconds", 400)

    def keys_xml(self, form, kind, who):
        role, name = form["RoleArn"].split("/")[-1], form.get("RoleSessionName", "")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", name):
            raise Refused("ValidationError", "RoleSessionName", 400)
        self.check_duration(form)
        arn = f"arn:aws:sts::{form['RoleArn'].split(':')[4]}:assumed-role/{role}/{name}"
        key = self.providers.issue(kind, who, arn)
        return (
            f"<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:{name}</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>{key.id}"
            f"</AccessKeyId><SecretAccessKey>{key.secret}</SecretAccessKey><SessionToken>{key.token}</SessionToken>"
            f"<Expiration>{iso(key.expires)}</Expiration></Credentials>"
        )

    def assume_role(self, form):
        p, key, role = self.providers, self.signer(), self.providers.roles.get(form.get("RoleArn"))
        known = {"Action", "Version", "RoleArn", "RoleSessionName", "ExternalId", "SerialNumber", "TokenCode", "DurationSeconds"}
        if set(form) - known:
            raise Refused("ValidationError", f"{set(form) - known}", 400)
        trusted = role and any(key.arn.startswith(t) for t in role.trusts) and role.external_id == form.get("ExternalId")
        if not trusted or role.mfa != form.get("SerialNumber"):
            raise Refused("AccessDenied", f"User: {key.arn} is not authorized to perform: sts:AssumeRole on resource: {form.get('RoleArn')}")
        if role.mfa and p.codes.get(role.mfa) != form.get("TokenCode"):
            raise Refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
        return self.keys_xml(form, "role", f"{form['RoleArn']} {key.id} {form.get('ExternalId')}")

    def assume_with_web(self, form):
        p, role = self.providers, self.providers.roles.get(form.get("RoleArn"))
        if self.headers.get("Authorization") or set(form) - {"Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds"}:
            raise Refused("ValidationError", "this call is not signed", 400)
        claims = p.web_tokens.get(form.get("WebIdentityToken"))
        if claims is None:
            raise Refused("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider", 400)
        if claims == "expired":
            raise Refused("ExpiredTokenException", "Token expired", 400)
        if not role or not role.web or claims.get("aud") != "sts.amazonaws.com":
            raise Refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return self.keys_xml(form, "webi", f"{form['RoleArn']} {claims['sub']}")
