"""A bucket of a million keys lists at the speed of a small one: the time of a page does not depend on how many keys there are."""
import os
import sqlite3
import statistics
import time

from s3_cloud import cloud  # noqa: F401

KEYS = int(os.environ.get("GLUEPROJ_TEST_KEYS", "1000000"))
SMALL = 2000


def key_of(i):
    """Days of an hour each: d000/h00/k000000; a thousand keys below a common prefix of two levels."""
    return f"d{i // 24000:03}/h{i // 1000 % 24:02}/k{i:07}"


def fill(cloud, bucket, count):  # noqa: F811
    """Rows beside the server, as it would write them: a million requests would tell of requests, not of lists."""
    cloud.stop().ok()
    db = sqlite3.connect(next(os.path.join(cloud.dir, f) for f in sorted(os.listdir(cloud.dir)) if f.endswith(".db")))
    db.execute("PRAGMA synchronous = OFF")
    columns = [c[1] for c in db.execute("PRAGMA table_info(s3_object)")]
    row = dict(zip(columns, db.execute("SELECT * FROM s3_object WHERE bucket = ?", (bucket,)).fetchone()))
    db.execute("DELETE FROM s3_object WHERE bucket = ?", (bucket,))
    first = db.execute("SELECT coalesce(min(ord), 0) FROM s3_object").fetchone()[0]

    def rows():
        for i in range(count):
            yield tuple({**row, "ord": first - count + i, "key": key_of(i)}.values())

    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 's3_object' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    db.executemany(f"INSERT INTO s3_object VALUES({','.join('?' * len(columns))})", rows())
    for _, sql in indexes:
        db.execute(sql)
    db.commit()
    db.close()
    cloud.start()


def median_ms(call, times=9):
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def pages(s3, bucket, count):
    """{what: call} of pages of the same size, wherever they lie."""
    middle, end = key_of(count // 2), key_of(count - 1100)
    return {
        "first page": lambda: s3.list_objects_v2(Bucket=bucket),
        "page in the middle": lambda: s3.list_objects_v2(Bucket=bucket, StartAfter=middle),
        "last page": lambda: s3.list_objects_v2(Bucket=bucket, StartAfter=end),
        "old list": lambda: s3.list_objects(Bucket=bucket, Marker=middle),
        "versions": lambda: s3.list_object_versions(Bucket=bucket, KeyMarker=middle),
        "one key": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=end),
        "two prefixes": lambda: s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=2),
        "a prefix of versions": lambda: s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=2),
    }


def test_a_million_keys(cloud):  # noqa: F811
    s3 = cloud.client("s3")
    for bucket, count in (("small-bucket", SMALL), ("large-bucket", KEYS)):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="one", Body=b"x")
        fill(cloud, bucket, count)
        s3 = cloud.client("s3")
    small = {what: median_ms(call) for what, call in pages(s3, "small-bucket", SMALL).items()}
    large = {what: median_ms(call) for what, call in pages(s3, "large-bucket", KEYS).items()}
    for what in small:
        print(f"{what:24} {small[what]:8.2f} ms of {SMALL} keys, {large[what]:8.2f} ms of {KEYS}")
    # every common prefix is jumped over in one step, however many keys it covers
    r = s3.list_objects_v2(Bucket="large-bucket", Delimiter="/")
    found = [p["Prefix"] for p in r["CommonPrefixes"]]
    assert found == sorted({key_of(i)[:5] for i in range(0, KEYS, 1000)}) and not r["IsTruncated"]
    jump = median_ms(lambda: s3.list_objects_v2(Bucket="large-bucket", Delimiter="/")) / len(found)
    print(f"{'a common prefix':24} {jump:8.3f} ms")
    token, seen = {}, []
    while True:
        r = s3.list_objects_v2(Bucket="large-bucket", Delimiter="/", MaxKeys=7, **token)
        seen += [p["Prefix"] for p in r["CommonPrefixes"]]
        if not r["IsTruncated"]:
            break
        token = {"ContinuationToken": r["NextContinuationToken"]}
    assert seen == found
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="large-bucket", StartAfter=key_of(KEYS // 2), MaxKeys=3)["Contents"]] == [
        key_of(KEYS // 2 + i) for i in (1, 2, 3)
    ]
    for what in small:
        assert large[what] < 3 * small[what] + 5, f"{what}: {large[what]:.1f} ms, but {small[what]:.1f} ms in a small bucket"
    assert jump < 2
