"""A Step Functions service that plays a script: events come when the test says so, in pages, with AWS's shapes."""
import http.server
import json
import threading

ACCOUNT, REGION = "123456789012", "eu-west-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:iam::{ACCOUNT}:user/u</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


def details_name(kind):
    for suffix in ("StateEntered", "StateExited"):
        if kind.endswith(suffix):
            return suffix[0].lower() + suffix[1:] + "EventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


class Script:
    """Events of one execution, numbered as they are added; `after` names the event before, else it is the last one."""

    def __init__(self, began=1_700_000_000.0):
        self.events, self.at = [], began

    def add(self, kind, after=None, later=0.1, **details):
        self.at += later
        number = len(self.events) + 1
        event = {"id": number, "previousEventId": number - 1 if after is None else after, "timestamp": round(self.at, 3), "type": kind}
        if details:
            event[details_name(kind)] = details
        self.events.append(event)
        return number

    def task(self, name, after=None, resource="startJobRun.sync", **parameters):
        """Entered, scheduled, started."""
        self.add("TaskStateEntered", after, name=name, input="{}")
        return self.schedule(None, resource, **parameters)

    def schedule(self, after=None, resource="startJobRun.sync", run="", **parameters):
        self.add("TaskScheduled", after, resourceType="glue", resource=resource, region=REGION, parameters=json.dumps(parameters))
        number = self.add("TaskStarted", resourceType="glue", resource=resource)
        if run:
            number = self.add("TaskSubmitted", resourceType="glue", resource=resource, output=json.dumps({"JobRunId": run}))
        return number


class Standin:
    def __init__(self, script, express=False, page=1000):
        self.script, self.express, self.page, self.requests, self.status = script, express, page, [], None
        self.logs, self.jobs, self.started, self.expire, self.unknown = {}, {}, None, False, 0
        standin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                target = self.headers.get("X-Amz-Target")
                if not target:
                    return self.reply(200, IDENTITY.encode(), "text/xml")
                operation = target.rpartition(".")[2]
                asked = json.loads(body or b"{}")
                standin.requests.append((operation, asked))
                answer = getattr(standin, operation, lambda a: ("UnknownOperationException", operation))(asked)
                if isinstance(answer, tuple):
                    return self.reply(400, json.dumps({"__type": answer[0], "message": answer[1]}).encode())
                return self.reply(200, json.dumps(answer).encode())

            def reply(self, status, body, kind="application/x-amz-json-1.0"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.server.shutdown()
        self.server.server_close()

    def env(self):
        return {**ENVIRONMENT, "GLUEPROJ_ENDPOINT_URL": self.endpoint}

    def asked(self, operation):
        return [a for o, a in self.requests if o == operation]

    # --- the service, by the names of its operations ---
    # pylint: disable=invalid-name,missing-function-docstring,unused-argument

    def DescribeStateMachine(self, a):
        if a["stateMachineArn"] != MACHINE + "flow":
            return "StateMachineDoesNotExist", "State Machine Does Not Exist"
        return {"stateMachineArn": a["stateMachineArn"], "name": "flow", "type": "EXPRESS" if self.express else "STANDARD"}

    def StartExecution(self, a):
        self.started = a
        return {"executionArn": f"{MACHINE.replace('stateMachine', 'execution')}flow:{a['name']}", "startDate": 1_700_000_000.0}

    def ListExecutions(self, a):
        newest = {"executionArn": "arn:x", "name": "x", "status": self.state()[0], "startDate": 1_700_000_000.0}
        return {"executions": [newest] if self.started else []}

    def state(self):
        last = self.script.events[-1]
        ends = {"ExecutionSucceeded": "SUCCEEDED", "ExecutionFailed": "FAILED", "ExecutionAborted": "ABORTED", "ExecutionTimedOut": "TIMED_OUT"}
        return self.status or ends.get(last["type"], "RUNNING"), last["timestamp"]

    def DescribeExecution(self, a):
        status, stop = self.state()
        reply = {"executionArn": a["executionArn"], "status": status, "startDate": 1_700_000_000.0}
        return reply if status == "RUNNING" else {**reply, "stopDate": stop}

    def GetExecutionHistory(self, a):
        if self.unknown:
            self.unknown -= 1
            return "ExecutionDoesNotExist", "Execution Does Not Exist"
        if "nextToken" in a and self.expire:
            self.expire = False
            return "InvalidToken", "Invalid Token"
        first, page = int(a.get("nextToken", "0")), min(self.page, a["maxResults"])
        events = self.script.events
        reply = {"events": events[first:first + page]}
        return {**reply, "nextToken": str(first + page)} if first + page < len(events) else reply

    def GetLogEvents(self, a):
        lines = self.logs.get((a["logGroupName"], a["logStreamName"]))
        if lines is None:
            return "ResourceNotFoundException", "The specified log stream does not exist."
        limit = a.get("limit", 10000)
        chosen = lines if a.get("startFromHead") else lines[-limit:]
        if a.get("nextToken"):
            chosen = []
        return {"events": [{"timestamp": t, "message": m} for t, m in chosen], "nextForwardToken": "f/end", "nextBackwardToken": "b/end"}

    def GetJob(self, a):
        if a["JobName"] not in self.jobs:
            return "EntityNotFoundException", "no such job"
        return {"Job": {"Name": a["JobName"], "Command": {"Name": self.jobs[a["JobName"]]}}}

    def GetWorkflow(self, a):
        return "EntityNotFoundException", "no such workflow"

    def GetCrawler(self, a):
        return "EntityNotFoundException", "no such crawler"
