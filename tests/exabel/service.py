"""What the Exabel Data API does with its calls: entities to be found, signals, and time series whose points are kept by known time."""
import csv
import functools
import json
import re
import threading
import time

from shapes import DAY, INVALID_ARGUMENT, ApiError, Points, bad, day_text, time_text

NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION = 5, 6, 7, 9
NAMES = {NOT_FOUND: "NOT_FOUND", INVALID_ARGUMENT: "INVALID_ARGUMENT", PERMISSION_DENIED: "PERMISSION_DENIED"}
SPACE = r"(?:([a-zA-Z]\w*)\.)?"
SIGNAL = re.compile(rf"signals/{SPACE}[a-zA-Z]\w{{0,127}}", re.ASCII)
ENTITY = re.compile(rf"entityTypes/{SPACE}\w[\w-]{{0,63}}/entities/{SPACE}\w[\w-]{{0,63}}", re.ASCII)
EITHER_ORDER = re.compile(r"(entityTypes/[^/]+/entities/[^/]+)/(signals/[^/]+)|(signals/[^/]+)/(entityTypes/[^/]+/entities/[^/]+)")
ENTITY_TYPE = re.compile(rf"entityTypes/{SPACE}\w[\w-]{{0,63}}", re.ASCII)
IDENTIFIERS = ("isin", "factset_identifier", "bloomberg_ticker", "bloomberg_symbol", "figi", "cusip")
MAX_PAGE = 1000
SAMPLE_OF_FAILURES = 10


class Series:
    """points: {second: (known second, value) or, after more than one known time, a list of them by known time}; None marks a deleted one."""

    __slots__ = ("points", "units")

    def __init__(self):
        self.points, self.units = {}, None

    def put(self, second, known, value, alone=False):
        old = None if alone else self.points.get(second)
        if old is None or isinstance(old, tuple) and old[0] == known:
            self.points[second] = (known, value)
            return
        versions = [v for v in ([old] if isinstance(old, tuple) else old) if v[0] != known]
        self.points[second] = sorted([*versions, (known, value)], key=lambda v: v[0])

    def rows(self, until=None):
        """(second, value) by time, as known at `until`, or now."""
        for second in sorted(self.points):
            versions = self.points[second]
            versions = [versions] if isinstance(versions, tuple) else versions
            known = [v for v in versions if until is None or v[0] <= until]
            if known and known[-1][1] is not None:
                yield second, known[-1][1]


def number(value):
    """A double as proto3's JSON has it."""
    return "NaN" if value != value else int(value) if value == int(value) and abs(value) < 2**53 else value


def read_entities(path):
    """A JSON list (or {"entities": […]}) of {name, displayName, …, identifiers: [{mic, ticker}, {isin}, …]}, or CSV with a column each."""
    with open(path, encoding="utf-8", newline="") as f:
        if str(path).endswith(".csv"):
            rows = [{k: v for k, v in row.items() if k and v} for row in csv.DictReader(f)]
            listed = [{"name": r.pop("name"), "displayName": r.pop("displayName", ""), "identifiers": [r]} for r in rows]
        else:
            listed = json.load(f)
            listed = listed["entities"] if isinstance(listed, dict) else listed
    entities, index = {}, {}
    for given in listed:
        identifiers = given.pop("identifiers", [])
        name = given["name"]
        if not ENTITY.fullmatch(name):
            raise ValueError(f"{path}: {name!r} is no entity's name")
        entities.setdefault(name, {k: v for k, v in given.items() if v})
        for one in identifiers:
            kinds = [(("mic", "ticker"), (one["mic"], one["ticker"]))] if "ticker" in one else []
            for key in kinds + [((k,), (v,)) for k, v in one.items() if k in IDENTIFIERS]:
                found = index.setdefault((name.rpartition("/entities/")[0], *key), [])
                if name not in found:
                    found.append(name)
    return entities, index


@functools.lru_cache(maxsize=1 << 16)
def canonical(name):
    """(entity, signal) of a series' name in either order, checked; raises what the API would answer."""
    m = EITHER_ORDER.fullmatch(name)
    if not m:
        raise bad("", f"Invalid time series name: '{name}'")
    entity, signal = m[1] or m[4], m[2] or m[3]
    e, s = ENTITY.fullmatch(entity), SIGNAL.fullmatch(signal)
    if not e:
        raise bad("", f"Invalid entity name: '{entity}'")
    if not s:
        raise bad("", f"Invalid signal name: '{signal}'")
    if e[2] and e[2] != s[1] or e[1] and not e[1] == e[2] == s[1]:
        raise bad("", f"The namespaces of '{entity}' and '{signal}' differ")
    return entity, signal


@functools.lru_cache(maxsize=64)
def below(parent):
    """What matches a parent's children; '-' is any."""
    return re.compile("/".join("[^/]+" if part == "-" else re.escape(part) for part in parent.split("/")))


class Service:
    def __init__(self, entities=(), index=None, signals=(), namespaces=(), any_entity=False):
        self.entities, self.index, self.any_entity = dict(entities), dict(index or {}), any_entity
        self.namespaces = list(namespaces) or sorted({s.partition(".")[0] for s in signals if "." in s}) or ["ns"]
        self.initial = list(signals)
        self.lock = threading.Lock()
        self.failing = {}  # series -> [code, message, how often still; None: always]
        self.reset()

    def reset(self):
        with self.lock:
            self.signals = {f"signals/{s}": {"name": f"signals/{s}", "displayName": s} for s in self.initial}
            self.series = {}
            self.counts = {"points": 0, "repeated_points": 0, "series_imported": 0}
            self.failing.clear()

    # --- names ---
    def check_namespace(self, namespace, what):
        if namespace and namespace not in self.namespaces:
            raise ApiError(PERMISSION_DENIED, f"No access to namespace '{namespace}' of {what}")

    def checked(self, name):
        """(entity, signal) that exist and may be written."""
        entity, signal = canonical(name)
        namespace = SIGNAL.fullmatch(signal)[1]
        if not namespace:
            raise ApiError(PERMISSION_DENIED, f"No write access to '{signal}'")
        self.check_namespace(namespace, signal)
        if signal not in self.signals:
            raise ApiError(NOT_FOUND, f"Signal not found: '{signal}'")
        if not self.any_entity and entity not in self.entities:
            raise ApiError(NOT_FOUND, f"Entity not found: '{entity}'")
        return entity, signal

    @staticmethod
    def page(items, request, key):
        size, token = request.get("pageSize", 0), request.get("pageToken", "")
        if not 0 <= size <= MAX_PAGE:
            raise bad("pageSize", f"{size} is not between 0 and {MAX_PAGE}")
        if token and not re.fullmatch(r"t[0-9a-f]{1,8}", token):
            raise bad("pageToken", "is none that was given out")
        begin = int(token[1:], 16) if token else 0
        if begin > len(items):
            raise bad("pageToken", "is none that was given out")
        end = begin + (size or MAX_PAGE)
        reply = {key: items[begin:end]} if items[begin:end] else {}
        if end < len(items):
            reply["nextPageToken"] = f"t{end:x}"
        return reply

    # --- entities ---
    def SearchEntities(self, request):
        parent, terms = request.get("parent", ""), request.get("terms", [])
        if not ENTITY_TYPE.fullmatch(parent):
            raise bad("parent", f"'{parent}' is no entity type")
        if not terms:
            raise bad("terms", "no search terms")
        results, at = [], 0
        while at < len(terms):
            fields = [(t.get("field", "").lower(), t.get("query", "")) for t in terms[at : at + 2]]
            if any(not q for _, q in fields):
                raise bad("terms", f"empty query for '{fields[0][0]}'")
            if fields[0][0] == "mic" and len(fields) == 2 and fields[1][0] == "ticker":
                key, step = (("mic", "ticker"), (fields[0][1], fields[1][1])), 2
            elif fields[0][0] in IDENTIFIERS:
                key, step = ((fields[0][0],), (fields[0][1],)), 1
            elif fields[0][0] in ("mic", "ticker"):
                raise bad("terms", "'mic' and 'ticker' come in pairs, 'mic' first")
            else:
                raise bad("terms", f"unknown field '{terms[at].get('field', '')}'")
            found = [self.entities[n] for n in self.index.get((parent, *key), [])]
            results.append({"terms": terms[at : at + step], **({"entities": found} if found else {})})
            at += step
        reply = {"results": results}
        reply.update(self.page([e for r in results for e in r.get("entities", [])], request, "entities"))
        return reply

    def ListEntities(self, request):
        listed = [e for n, e in sorted(self.entities.items()) if n.startswith(request["parent"] + "/entities/")]
        return {**self.page(listed, request, "entities"), **({"totalSize": len(listed)} if listed else {})}

    def GetEntity(self, request):
        if request["name"] not in self.entities:
            raise ApiError(NOT_FOUND, f"Entity not found: '{request['name']}'")
        return self.entities[request["name"]]

    # --- signals ---
    def ListNamespaces(self, _):
        return {"namespaces": [{"name": f"namespaces/{n}", "writeable": True} for n in self.namespaces]}

    def ListSignals(self, request):
        listed = [s for _, s in sorted(self.signals.items())]
        return {**self.page(listed, request, "signals"), **({"totalSize": len(listed)} if listed else {})}

    def GetSignal(self, request):
        if request["name"] not in self.signals:
            raise ApiError(NOT_FOUND, f"Signal not found: '{request['name']}'")
        return self.signals[request["name"]]

    def put_signal(self, signal, mask=None):
        name = signal.get("name", "")
        m = SIGNAL.fullmatch(name)
        if not m:
            raise bad("signal.name", f"Invalid signal name: '{name}'")
        if not m[1]:
            raise ApiError(PERMISSION_DENIED, f"No write access to '{name}'")
        self.check_namespace(m[1], name)
        given = {k: v for k, v in signal.items() if k not in ("readOnly", "entityType", "entityTypes") and v}
        kept = self.signals.get(name, {})
        if mask:
            given = {**kept, **{k: given[k] for k in mask if k in given}}
        if not given.get("displayName"):
            raise bad("signal.displayName", "is required")
        self.signals[name] = given
        return given

    def CreateSignal(self, request):
        signal = request.get("signal", {})
        if signal.get("name") in self.signals:
            raise ApiError(ALREADY_EXISTS, f"Signal already exists: '{signal['name']}'")
        return self.put_signal(signal)

    def UpdateSignal(self, request):
        if request["signal"]["name"] not in self.signals and not request.get("allowMissing"):
            raise ApiError(NOT_FOUND, f"Signal not found: '{request['signal']['name']}'")
        return self.put_signal(request["signal"], None if request.get("allowMissing") else request.get("updateMask"))

    def DeleteSignal(self, request):
        self.GetSignal(request)
        del self.signals[request["name"]]
        for name in [n for n in self.series if n.endswith("/" + request["name"])]:
            del self.series[name]
        return {}

    # --- time series ---
    @staticmethod
    def known_times(request, points, now):
        """Of each point, when it became known: its own, or what the request says of all."""
        options = request.get("insertOptions", {}).get("defaultKnownTime") or request.get("defaultKnownTime") or {}
        if "timeOffset" in options:
            default = [t + options["timeOffset"] for t in points.times]
        else:
            default = [options.get("knownTime", now)] * len(points.times)
        return [d if k is None else k for d, k in zip(default, points.known)] if points.known else default

    @staticmethod
    def option(request, name):
        return request.get("updateOptions", {}).get(name, request.get(name, False))

    def check_points(self, request, points):
        if any(t % DAY for t in points.times):
            wrong = next(t for t in points.times if t % DAY)
            raise bad("", f"Timestamps must be at midnight UTC, but got {time_text(wrong)}")
        if points.known and self.option(request, "replaceKnownTime"):
            raise bad("", "known times may not be given with replaceKnownTime")

    def write(self, request, series, missing_ok, present_ok=True):
        """Creates or changes one series; raises and changes nothing when it cannot."""
        entity, signal = self.checked(series.get("name", ""))
        name = f"{entity}/{signal}"
        points = series.get("points") or Points([], [], None)
        self.check_points(request, points)
        kept = self.series.get(name)
        if kept is None and not missing_ok:
            raise ApiError(NOT_FOUND, f"Time series not found: '{name}'")
        if kept is not None and not present_ok:
            raise ApiError(ALREADY_EXISTS, f"Time series already exists: '{name}'")
        now = int(time.time())
        known = self.known_times(request, points, now)
        if kept is None or self.option(request, "replaceExistingTimeSeries"):
            kept = self.series[name] = Series()
        if self.option(request, "replaceKnownTime") and known:
            for second in list(kept.points):
                kept.put(second, known[0], None)
        if not kept.points:
            kept.points = dict(zip(points.times, zip(known, points.values)))
            repeated = len(points.times) - len(kept.points)
        else:
            alone = self.option(request, "replaceExistingDataPoints")
            for second, k, value in zip(points.times, known, points.values):
                kept.put(second, k, value, alone)
            repeated = len(points.times) - len(set(points.times))
        if "units" in series:
            kept.units = series["units"]
        self.counts["points"] += len(points.times)
        self.counts["repeated_points"] += repeated
        return name

    def reply(self, name, view):
        entity, signal = canonical(name)
        name = f"{entity}/{signal}"
        if name not in self.series:
            raise ApiError(NOT_FOUND, f"Time series not found: '{name}'")
        series, out = self.series[name], {"name": name}
        if series.units is not None:
            out["units"] = series.units
        wanted = (view or {}).get("timeRange")
        if wanted is not None:
            begin, end = wanted.get("fromTime"), wanted.get("toTime")
            points = [
                {"time": time_text(t), "value": number(v)} for t, v in series.rows(view.get("knownTime"))
                if (begin is None or t >= begin + bool(wanted.get("excludeFrom"))) and (end is None or t < end + bool(wanted.get("includeTo")))
            ]
            if points:
                out["points"] = points
        return out

    def GetTimeSeries(self, request):
        return self.reply(request["name"], request.get("view"))

    def CreateTimeSeries(self, request):
        return self.reply(self.write(request, request["timeSeries"], True, False), request.get("view"))

    def UpdateTimeSeries(self, request):
        return self.reply(self.write(request, request["timeSeries"], self.option(request, "allowMissing")), request.get("view"))

    def ListTimeSeries(self, request):
        parent = request["parent"]
        listed = [{"name": n} for n in sorted(self.series) if n.startswith(parent + "/") or n.endswith("/" + parent)]
        return {**self.page(listed, request, "timeSeries"), **({"totalSize": len(listed)} if listed else {})}

    def DeleteTimeSeries(self, request):
        name = "/".join(self.checked(request["name"]))
        if self.series.pop(name, None) is None:
            raise ApiError(NOT_FOUND, f"Time series not found: '{name}'")
        return {}

    @staticmethod
    def under(parent, name):
        """Refuses a series that is not below the parent of a call on many."""
        entity, signal = canonical(name)
        if not below(parent).fullmatch(signal if parent.startswith("signals/") else entity):
            raise bad("", f"'{name}' is not below '{parent}'")

    def fail_as_told(self, name):
        told = self.failing.get(name)
        if told and told[2] != 0:
            if told[2] is not None:
                told[2] -= 1
            raise ApiError(told[0], told[1])

    def many(self, request, act):
        """act(series) for each; their statuses, or, when those are not wanted, all or nothing."""
        listed = request.get("timeSeries", [])
        if not listed:
            raise bad("timeSeries", "no time series")
        if request.get("statusInResponse"):
            return {"responses": [{"timeSeriesName": s.get("name", ""), "status": self.status(request, s, act)} for s in listed]}
        kept, counts = dict(self.series), dict(self.counts)
        for name in {s.get("name") for s in listed} & set(kept):
            copy = Series()
            copy.points, copy.units = dict(kept[name].points), kept[name].units
            kept[name] = copy
        failed = [(s, status) for s, status in ((s, self.status(request, s, act)) for s in listed) if status.get("code")]
        if failed:
            self.series, self.counts = kept, counts
            raise self.precondition(failed)
        return {}

    def status(self, request, series, act):
        try:
            name = series.get("name", "")
            self.under(request["parent"], name)
            self.fail_as_told(name)
            act(series)
            return {}
        except ApiError as e:
            return {"code": e.code, "message": e.message}

    @staticmethod
    def precondition(failed):
        violations = []
        for series, status in failed[:SAMPLE_OF_FAILURES]:
            entity, _, signal = series.get("name", "").partition("/signals/")
            subject = entity if status["message"].startswith("Entity") else f"signals/{signal}"
            violations.append({"type": NAMES.get(status["code"], "INTERNAL"), "subject": subject, "description": status["message"]})
        detail = {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": violations}
        return ApiError(FAILED_PRECONDITION, f"{len(failed)} time series failed; the first: {failed[0][1]['message']}", [detail])

    def ImportTimeSeries(self, request):
        options = request.get("insertOptions", {}).get("defaultKnownTime", request.get("defaultKnownTime", {}))
        if self.option(request, "replaceKnownTime") and not (options.get("currentTime") or "knownTime" in options):
            raise bad("updateOptions.replaceKnownTime", "needs defaultKnownTime with currentTime or knownTime")
        reply = self.many(request, lambda s: self.write(request, s, self.option(request, "allowMissing")))
        self.counts["series_imported"] += len(request["timeSeries"])
        return reply

    def BatchDeleteTimeSeriesPoints(self, request):
        return self.many(request, self.delete_points)

    def delete_points(self, series):
        name = "/".join(self.checked(series.get("name", "")))
        if name not in self.series:
            raise ApiError(NOT_FOUND, f"Time series not found: '{name}'")
        points, kept = series.get("points") or Points([], [], None), self.series[name].points
        for i, second in enumerate(points.times):
            known = points.known[i] if points.known else None
            versions = kept.pop(second, [])
            versions = [v for v in ([versions] if isinstance(versions, tuple) else versions) if known is not None and v[0] != known]
            if versions:
                kept[second] = versions if len(versions) > 1 else versions[0]

    def BatchDeletePointsOfOne(self, request):
        name = "/".join(self.checked(request["name"]))
        if name not in self.series:
            raise ApiError(NOT_FOUND, f"Time series not found: '{name}'")
        kept = self.series[name].points
        for r in request.get("timeRanges", []):
            begin, end = r.get("fromTime"), r.get("toTime")
            for second in [
                t for t in kept
                if (begin is None or t >= begin + bool(r.get("excludeFrom"))) and (end is None or t < end + bool(r.get("includeTo")))
            ]:
                del kept[second]
        return {}

    # --- for tests ---
    def dump(self):
        """{series: [[day, value]…]} of all that was loaded."""
        with self.lock:
            return {n: [[day_text(t), number(v)] for t, v in s.rows()] for n, s in sorted(self.series.items())}
